"""Reads with the real clickhouse-connect what an analyst would; prints one JSON object."""
import json
import sys

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

port, key = int(sys.argv[1]), sys.argv[2]
out = {}
for compress in (False, 'gzip', 'zstd', 'lz4'):
    client = clickhouse_connect.get_client(
        host='127.0.0.1', port=port, username='anybody', password=key, proxy_path='sql', compress=compress
    )
    result = client.query('SELECT tenant, count() AS rows FROM events GROUP BY tenant')
    out[str(compress)] = [list(row) for row in result.result_rows]
out['columns'] = list(client.query('SELECT * FROM loans LIMIT 1').column_names)[:3]
out['parameters'] = client.query(
    'SELECT {a:String} AS a, {b:Int32} AS b, {c:Array(String)} AS c', parameters={'a': "it's\t", 'b': -3, 'c': ['x', "y'z"]}
).first_row
out['settings'] = client.query(
    "SELECT value FROM system.settings WHERE name = 'max_threads' SETTINGS max_threads = 1"
).first_row
with client.query_row_block_stream('SELECT number FROM numbers(100000)') as stream:
    out['streamed'] = sum(row[0] for block in stream for row in block)
out['raw'] = client.raw_query('SELECT 1 AS x', fmt='CSVWithNames').decode()
out['command'] = client.command('SELECT currentDatabase()')
out['ping'] = client.ping()
try:
    client.query('SELECT * FROM default.events')
except DatabaseError as error:
    out['error'] = str(error)
print(json.dumps(out))
