/**
 * The ClickHouse engine (chdb) behind as much of its HTTP interface as the official client uses: ping, query and command with
 * bound parameters and settings, insert. Arguments: folder in which chdb is installed, folder of the data, port. Says its
 * port on stdout. A process of its own, so that it can be killed as a server can.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [installed, data, port] = process.argv.slice(2);
const { Session } = createRequire(join(installed, 'package.json'))('chdb');
const session = new Session(data);
const PARAM = 'param_';
/** Of the request, not of the query. */
const OTHERS = ['query', 'query_id', 'database', 'session_id', 'role', 'default_format', 'enable_http_compression'];

function answer(url, body) {
  const given = [...url.searchParams];
  for (const [name, value] of given)
    // It buffers answers in the server that this is.
    if (!OTHERS.includes(name) && !name.startsWith(PARAM) && name !== 'wait_end_of_query')
      session.query(`set ${name} = '${value.replaceAll("'", "\\'")}'`);
  const params = given
    .filter(([name]) => name.startsWith(PARAM))
    .map(([name, value]) => [name.slice(PARAM.length), value]);
  const query = url.searchParams.get('query');
  // An insert brings its query in the address and its rows in the body.
  const sql = query === null ? body : `${query}\n${body}`;
  return params.length > 0 ? session.queryBind(sql, Object.fromEntries(params)) : session.query(sql);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  if (url.pathname === '/ping') return response.end('Ok.\n');
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    try {
      response.end(answer(url, Buffer.concat(chunks).toString()));
    } catch (error) {
      response.writeHead(500, { 'x-clickhouse-exception-code': String(error.clickhouseCode ?? 0) });
      response.end(error.message.replace('Query failed: ', ''));
    }
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port));
