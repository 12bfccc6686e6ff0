import { describe, expect, it } from 'vitest'
import { parseAst } from '../../../sql/analyst/ast.ts'
import { checkStatement, type Reach } from '../../../sql/analyst/check.ts'
import { allowFunctions, type FunctionRow } from '../../../sql/analyst/functions.ts'
import { checkSettings, inlineSettings } from '../../../sql/analyst/settings.ts'
import { tenantDatabaseName } from '../../../sql/analyst/tenant-database.ts'
import { LIMITS } from './support.ts'

describe('parseAst', () => {
  it('reads kinds, texts and children, and leaves names that were given out', () => {
    const tree = parseAst('SelectQuery (children 2)\n Function f (alias x y) (children 1)\n  Literal UInt64_1\n Set\n')
    expect(tree).toMatchObject({
      kind: 'SelectQuery',
      children: [{ kind: 'Function', text: 'f', children: [{ kind: 'Literal', text: 'UInt64_1' }] }, { kind: 'Set' }],
    })
  })

  it.each(['', ' A', 'A\nB', 'A\n  B', 'A (children 2)\n B', 'A\n B', 'A (children 1)\n B\n C'])(
    'takes %j for no tree',
    (dump) => {
      expect(parseAst(dump)).toBeUndefined()
    },
  )
})

describe('allowFunctions', () => {
  const row = (name: string, more: Partial<FunctionRow> = {}): FunctionRow => {
    return {
      name,
      is_aggregate: 0,
      case_insensitive: 0,
      alias_to: '',
      origin: 'System',
      categories: 'Arithmetic',
      ...more,
    }
  }
  const functions = allowFunctions([
    row('plus'),
    row('upper', { case_insensitive: 1, categories: 'String' }),
    row('file', { case_insensitive: 1, categories: 'Other' }),
    row('dossier', { alias_to: 'file' }),
    row('mine', { origin: 'SQLUserDefined' }),
    row('brandNew', { categories: 'Brand New' }),
    row('sum', { is_aggregate: 1, categories: '' }),
  ])

  it('allows by group, in any spelling that the engine takes, with combinators', () => {
    for (const name of ['plus', 'upper', 'UPPER', 'sum', 'sumIf', 'sumDistinctIf', 'sumArrayOrNullState', 'lambda']) {
      expect([name, functions.has(name)]).toEqual([name, true])
    }
  })

  it('refuses what is not listed, its other names, people’s own, and what nobody knows', () => {
    for (const name of [
      'file',
      'FILE',
      'dossier',
      'mine',
      'brandNew',
      'PLUS',
      'plusIf',
      'fileIf',
      'If',
      'sumWhatever',
      '',
    ]) {
      expect([name, functions.has(name)]).toEqual([name, false])
    }
  })
})

describe('checkStatement', () => {
  const reach: Reach = { database: 'tenant_a', tables: new Set(['events']), databases: new Set(['default', 'system']) }
  const none = allowFunctions([])
  const select = (inner: string) => {
    return `SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  SelectQuery (children 1)\n   ${inner}`
  }

  it('refuses a kind of node that nobody has looked at', () => {
    const verdict = checkStatement('SELECT 1', select('BrandNewClause'), reach, none)
    expect(verdict).toMatchObject({ ok: false, message: 'BrandNewClause is not taken here' })
    expect(checkStatement('BRAND NEW', 'BrandNewQuery', reach, none)).toMatchObject({ ok: false })
  })

  it('refuses a tree that cannot be whole, and a parameter that was not filled in', () => {
    expect(checkStatement('SELECT 1', 'SelectWithUnionQuery (children 2)', reach, none)).toMatchObject({ ok: false })
    expect(checkStatement('SELECT 1', select('QueryParameter x'), reach, none)).toMatchObject({ ok: false })
  })
})

describe('settings', () => {
  it('are read from the end of a statement as the engine writes it', () => {
    const statement =
      "SELECT ' SETTINGS a = 1' SETTINGS max_threads = 2, bool_true_representation = 'it\\'s' FORMAT CSV"
    expect(inlineSettings(statement)).toEqual({ max_threads: '2', bool_true_representation: "it's" })
    expect(inlineSettings("SELECT ' SETTINGS max_threads = 1'")).toEqual({})
    expect(inlineSettings('SELECT 1 SETTINGS a = DEFAULT')).toEqual({})
  })

  it('can only lower a limit', () => {
    const checked = checkSettings({ max_threads: '1', max_result_rows: '0', max_execution_time: '9999' }, LIMITS)
    expect(checked).toEqual({ ok: true, settings: { max_threads: 1, max_execution_time: LIMITS.seconds_max } })
  })
})

it('each tenant has a database of its own, whatever its name', () => {
  const names = ['a', 'A', 'a.b', 'a_b', '~', "o'dd", 'x'.repeat(200), `${'x'.repeat(199)}y`, '~41'].map(
    tenantDatabaseName,
  )
  expect(new Set(names).size).toBe(names.length)
})
