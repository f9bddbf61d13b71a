/** One line of the doctor's: what is so, and what to do about it. */
export type Finding = { readonly mark: 'ok' | 'note' | 'bad'; readonly text: string; readonly remedy?: string };

export const ok = (text: string): Finding => ({ mark: 'ok', text });
export const note = (text: string, remedy?: string): Finding => ({
  mark: 'note',
  text,
  ...(remedy !== undefined && { remedy }),
});
export const bad = (text: string, remedy: string): Finding => ({ mark: 'bad', text, remedy });
