/**
 * Settings of the engine that an analyst may choose, with the request or in the statement's SETTINGS: how a result is
 * written, how NULLs are taken, and limits below the ones that hold anyway. Everything else is refused: many a setting
 * changes what a statement may reach.
 */

/** What one statement of an analyst's may use. Of its own choosing it may only use less. */
export type AnalystLimits = {
  readonly seconds_max: number
  readonly memory_bytes_max: number
  readonly threads_max: number
  readonly result_rows_max: number
  /** Of a result that has to be made whole before its first byte can go out. */
  readonly result_bytes_max: number
}

export type SettingValues = Readonly<Record<string, string | number>>
export type CheckedSettings =
  | { readonly ok: true; readonly settings: SettingValues }
  | { readonly ok: false; readonly name: string; readonly message: string }

/** Clients send these with the request; here they change nothing, or nothing that the engine would have to be told. */
const IGNORED: ReadonlySet<string> = new Set(
  [
    [
      'add_http_cors_header',
      'allow_experimental_analyzer',
      'async_insert',
      'cancel_http_readonly_queries_on_client_close',
    ],
    ['cast_string_to_dynamic_use_inference', 'date_time_input_format', 'enable_http_compression', 'log_comment'],
    ['http_headers_progress_interval_ms', 'http_response_buffer_size', 'http_write_exception_in_output_format'],
    ['http_zlib_compression_level', 'log_queries', 'max_insert_block_size', 'network_compression_method', 'priority'],
    ['send_logs_level', 'send_progress_in_http_headers', 'wait_end_of_query', 'async_insert_busy_timeout_ms'],
    ['wait_for_async_insert', 'input_format_skip_unknown_fields', 'insert_quorum', 'insert_deduplicate'],
  ].flat(),
)
/** Sensible only as they are. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  final: ['1', 'true'],
  readonly: ['0', '1', '2'],
}
const FLAGS: ReadonlySet<string> = new Set(
  [
    ['aggregate_functions_null_for_empty', 'any_join_distinct_right_table_keys', 'cast_keep_nullable', 'extremes'],
    ['enable_positional_arguments', 'group_by_use_nulls', 'join_use_nulls', 'prefer_column_name_to_alias'],
    ['transform_null_in', 'least_greatest_legacy_null_behavior', 'joined_subquery_requires_alias'],
  ].flat(),
)
const WORDS: Readonly<Record<string, RegExp>> = {
  bool_false_representation: /^[^\0]{1,20}$/,
  bool_true_representation: /^[^\0]{1,20}$/,
  date_time_output_format: /^(simple|iso|unix_timestamp|unix_timestamp_or_string)$/,
  session_timezone: /^[A-Za-z0-9_+/-]{0,60}$/,
  union_default_mode: /^(ALL|DISTINCT|)$/,
  limit: /^\d{1,12}$/,
  offset: /^\d{1,12}$/,
  max_block_size: /^\d{1,5}$/,
}
const FORMATTING =
  /^(output_format_[a-z0-9_]+|format_csv_(delimiter|null_representation)|format_tsv_null_representation|format_custom_[a-z_]+|format_binary_max_[a-z_]+)$/
/** Of those: a schema is read from a file, statistics say how much was read, a table's name goes into a statement. */
const NO_FORMATTING: ReadonlySet<string> = new Set(
  [
    ['output_format_schema', 'output_format_write_statistics', 'output_format_avro_confluent_subject'],
    ['output_format_image_width', 'output_format_image_height', 'output_format_enable_streaming'],
  ].flat(),
)
const FORMATTING_VALUE = /^[^\0]{0,60}$/
const RESULT_OVERFLOW = /^(throw|break)$/

/** Limits of the engine's that may be lowered → the limit that holds. */
function ceilings(limits: AnalystLimits): Readonly<Record<string, number>> {
  return {
    max_execution_time: limits.seconds_max,
    max_memory_usage: limits.memory_bytes_max,
    max_threads: limits.threads_max,
    max_result_rows: limits.result_rows_max,
    max_result_bytes: limits.result_bytes_max,
    max_rows_to_read: Number.MAX_SAFE_INTEGER,
    max_bytes_to_read: Number.MAX_SAFE_INTEGER,
  }
}

const CLIENTS_LOOK_AT: readonly string[] = [
  ['max_execution_time', 'max_memory_usage', 'max_threads', 'max_result_rows', 'max_result_bytes', 'max_query_size'],
  ['result_overflow_mode', 'output_format_json_quote_64bit_integers', 'output_format_json_quote_denormals'],
  ['date_time_input_format', 'enable_http_compression', 'send_progress_in_http_headers', 'wait_end_of_query'],
].flat()

/** Names of `system.settings` that a key may read: those that it may set, and what clients look at. */
export const VISIBLE_SETTINGS: readonly string[] = [
  ...FLAGS,
  ...Object.keys(WORDS),
  ...Object.keys(FIXED),
  ...CLIENTS_LOOK_AT,
]

/** Takes what is allowed; the first that is not is named, with the reason. */
export function checkSettings(wanted: Readonly<Record<string, string>>, limits: AnalystLimits): CheckedSettings {
  const settings: Record<string, string | number> = {}
  const most = ceilings(limits)
  for (const [name, value] of Object.entries(wanted)) {
    const refuse = (message: string): CheckedSettings => ({ ok: false, name, message })
    const ceiling = Object.hasOwn(most, name) ? most[name] : undefined
    if (IGNORED.has(name)) continue
    if (ceiling !== undefined) {
      // 0 means without limit to the engine, and what is above the limit that holds is that limit.
      if (!/^\d{1,20}$/.test(value)) return refuse(`setting ${name} is a whole number`)
      const number = Number(value)
      if (number > 0) settings[name] = Math.min(number, ceiling)
    } else if (Object.hasOwn(FIXED, name)) {
      if (!FIXED[name]?.includes(value)) return refuse(`setting ${name} cannot be ${shown(value)} here`)
    } else if (FLAGS.has(name)) {
      if (!/^(0|1|true|false)$/.test(value)) return refuse(`setting ${name} is 0 or 1`)
      settings[name] = value === '1' || value === 'true' ? 1 : 0
    } else if (Object.hasOwn(WORDS, name)) {
      if (WORDS[name]?.test(value) !== true) return refuse(`setting ${name} cannot be ${shown(value)} here`)
      settings[name] = value
    } else if (name === 'result_overflow_mode') {
      if (!RESULT_OVERFLOW.test(value)) return refuse(`setting ${name} is throw or break`)
      settings[name] = value
    } else if (FORMATTING.test(name) && !NO_FORMATTING.has(name)) {
      if (!FORMATTING_VALUE.test(value)) return refuse(`setting ${name} cannot have that value here`)
      settings[name] = value
    } else return refuse(`setting ${shown(name)} cannot be chosen here`)
  }
  return { ok: true, settings }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}

const LITERAL = String.raw`(?:-?\d+(?:\.\d+)?|'(?:[^'\\]|\\.)*'|true|false)`
const ASSIGNMENT = String.raw`[A-Za-z_]\w* = ${LITERAL}`
const CLAUSE = new RegExp(String.raw` SETTINGS (${ASSIGNMENT}(?:, ${ASSIGNMENT})*)(?: FORMAT \w+)?$`)

/**
 * Whether a statement that has SETTINGS, as the engine writes it, gives each of them a plain value. `x = DEFAULT` would
 * undo what holds for the session, and the engine lets it pass where nothing may be changed.
 */
export function areSettingsPlain(canonical: string): boolean {
  return CLAUSE.test(canonical)
}

/**
 * The settings that a statement, as the engine writes it, sets for itself. Whether it sets others is for the engine to say,
 * which refuses any that does not have that value already.
 */
export function inlineSettings(canonical: string): Readonly<Record<string, string>> {
  const [, clause = ''] = CLAUSE.exec(canonical) ?? []
  const settings: Record<string, string> = {}
  for (const [, name = '', value = ''] of clause.matchAll(new RegExp(`([A-Za-z_]\\w*) = (${LITERAL})`, 'g'))) {
    settings[name] = value.startsWith("'") ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
  }
  return settings
}
