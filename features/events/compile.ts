import type { z } from 'zod'
import { generateFunction } from '../window/generate.ts'
import { createTextTest } from './text-test.ts'

/**
 * Makes a quick check of a zod schema, from the schema's own definition, so that there is no second contract. It says one
 * of two things: this is what the schema makes of the input, or undefined, where only the schema itself can tell. All that
 * is unusual and every error text stay zod's. What is outside the part of zod that the contract uses throws here.
 */

type AnyType = z.core.$ZodTypes
type AnyCheck = z.core.$ZodChecks

/** What a check noticed besides: whether some object had keys that its schema does not know and leaves out. */
export type Noticed = { has_unknown: boolean }

/** What the schema makes of `input`, or undefined. A negative zero becomes zero. */
export type QuickCheck<Output> = (input: unknown, noticed: Noticed) => Output | undefined

export function compileCheck<Schema extends z.ZodObject>(schema: Schema): QuickCheck<z.output<Schema>> {
  return compileObject(schema) as QuickCheck<z.output<Schema>>
}

type ObjectType = Extract<AnyType, { _zod: { def: { type: 'object' } } }>

/** The lines of one generated function, and the values that they use by name. */
class Code {
  readonly lines: string[] = []
  readonly bound: Record<string, unknown> = {}

  add(...lines: readonly string[]): void {
    this.lines.push(...lines)
  }

  bind(value: unknown): string {
    const name = `bound${Object.keys(this.bound).length}`
    this.bound[name] = value
    return name
  }

  /** Where this does not hold, only the schema can tell. */
  require(condition: string): void {
    this.lines.push(`if (!(${condition})) return undefined`)
  }
}

function compileObject(schema: ObjectType): QuickCheck<unknown> {
  const { shape, catchall, checks } = schema._zod.def
  const keys = Object.keys(shape)
  if (catchall !== undefined) throw unsupported('an object that keeps unknown keys')
  if (keys.some((key) => key in Object.prototype)) throw unsupported('a key that every object has')
  const code = new Code()
  code.require(`typeof input === 'object' && input !== null && !Array.isArray(input)`)
  code.add('let present = 0')
  keys.forEach((key, i) => {
    code.add(`let v${i} = input[${JSON.stringify(key)}]`)
    emitField(code, shape[key] as AnyType, `v${i}`)
  })
  code.add('for (const key in input) present--')
  code.add('if (present !== 0) {')
  code.require(`${code.bind((input: object) => areKnownKeysSet(input, shape))}(input)`)
  code.add('noticed.has_unknown = true', '}', 'const made = {}')
  // In the order of the shape, as zod has it: the stored bytes depend on it.
  keys.forEach((key, i) => code.add(`if (v${i} !== undefined) made[${JSON.stringify(key)}] = v${i}`))
  emitChecks(code, checks, 'made')
  code.add('return made')
  return generateFunction('check(input, noticed)', code.lines, code.bound)
}

/** A key that is there without a value is something that JSON has not: zod keeps it, so zod takes it. */
function areKnownKeysSet(input: object, shape: object): boolean {
  return Object.entries(input).every(([key, value]) => value !== undefined || !Object.hasOwn(shape, key))
}

function emitField(code: Code, type: AnyType, name: string): void {
  const { def } = type._zod
  if (def.type === 'optional' || def.type === 'default') {
    code.add(`if (${name} !== undefined) {`, 'present++')
    emitValue(code, def.innerType as AnyType, name)
    code.add('}')
    if (def.type === 'default') {
      if (typeof def.defaultValue === 'object') throw unsupported('a default that is an object')
      code.add(`else ${name} = ${JSON.stringify(def.defaultValue)}`)
    }
    return
  }
  code.require(`${name} !== undefined`)
  code.add('present++')
  emitValue(code, type, name)
}

/** Lines that leave in `name`, which is not undefined, what the schema makes of it. */
function emitValue(code: Code, type: AnyType, name: string): void {
  const { def } = type._zod
  switch (def.type) {
    case 'string':
      if (def.coerce === true) throw unsupported('coercion')
      code.require(`typeof ${name} === 'string'`)
      break
    case 'number':
      if (def.coerce === true) throw unsupported('coercion')
      code.require(`typeof ${name} === 'number'`)
      code.add(`${name} += 0`)
      code.require(`Number.isFinite(${name})`)
      break
    case 'enum':
      code.require(
        Object.values(def.entries)
          .map((value) => `${name} === ${JSON.stringify(value)}`)
          .join(' || '),
      )
      break
    case 'literal':
      code.require(def.values.map((value) => `${name} === ${JSON.stringify(value)}`).join(' || '))
      break
    case 'object':
      code.add(`${name} = ${code.bind(compileObject(type as ObjectType))}(${name}, noticed)`)
      code.require(`${name} !== undefined`)
      // Its checks are in its own function.
      return
    case 'array':
      emitArray(code, def.element as AnyType, name)
      break
    case 'union':
      emitUnion(code, def.options as readonly AnyType[], name)
      break
    case 'pipe':
      emitValue(code, def.in as AnyType, name)
      emitTransform(code, def.out as AnyType, name)
      break
    default:
      throw unsupported(`the type ${def.type}`)
  }
  // A format such as `z.int()` or `z.iso.date()` is a check of its own type.
  if ('check' in def) emitCheck(code, def as unknown as AnyCheck['_zod']['def'], name)
  emitChecks(code, def.checks, name)
}

function emitArray(code: Code, element: AnyType, name: string): void {
  if (element._zod.def.type !== 'object') throw unsupported('an array of anything but objects')
  const list = `${name}list`
  code.require(`Array.isArray(${name})`)
  code.add(`const ${list} = []`, `for (let i = 0; i < ${name}.length; i++) {`)
  code.add(`const item = ${code.bind(compileObject(element as ObjectType))}(${name}[i], noticed)`)
  code.require('item !== undefined')
  code.add(`${list}.push(item)`, '}', `${name} = ${list}`)
}

/** Options that the type of the value tells apart. */
function emitUnion(code: Code, options: readonly AnyType[], name: string): void {
  const kinds = options.map((option) => option._zod.def.type)
  if (kinds.toSorted().join() !== 'number,string') throw unsupported(`a union of ${kinds.join(', ')}`)
  options.forEach((option, i) => {
    code.add(`${i === 0 ? '' : 'else '}if (typeof ${name} === '${kinds[i]}') {`)
    emitValue(code, option, name)
    code.add('}')
  })
  code.add('else return undefined')
}

function emitTransform(code: Code, type: AnyType, name: string): void {
  const { def } = type._zod
  if (def.type !== 'transform' || def.transform.length > 1) throw unsupported('a transform that needs the context')
  code.add(`${name} = ${code.bind(def.transform)}(${name})`)
}

function emitChecks(code: Code, checks: readonly z.core.$ZodCheck[] | undefined, name: string): void {
  for (const check of checks ?? []) {
    const { def } = check._zod as AnyCheck['_zod']
    if ((def.check as string) === 'custom') emitCustom(code, check, name)
    else emitCheck(code, def, name)
  }
}

function emitCheck(code: Code, def: AnyCheck['_zod']['def'], name: string): void {
  switch (def.check) {
    case 'greater_than':
      return code.require(`${name} ${def.inclusive ? '>=' : '>'} ${JSON.stringify(def.value)}`)
    case 'less_than':
      return code.require(`${name} ${def.inclusive ? '<=' : '<'} ${JSON.stringify(def.value)}`)
    case 'min_length':
      // Zod counts the characters of a text, of which one may take two units: so many units are surely enough.
      return code.require(
        `${name}.length >= (typeof ${name} === 'string' ? ${atLeastUnits(def.minimum)} : ${def.minimum})`,
      )
    case 'max_length':
      return code.require(`${name}.length <= ${def.maximum}`)
    case 'number_format':
      if (def.format !== 'safeint') throw unsupported(`the number format ${def.format}`)
      return code.require(`Number.isSafeInteger(${name})`)
    case 'string_format':
      if (!['regex', 'date', 'datetime'].includes(def.format) || def.pattern === undefined) {
        throw unsupported(`the string format ${def.format}`)
      }
      return code.require(`${code.bind(createTextTest(def.pattern))}(${name})`)
    default:
      throw unsupported(`the check ${def.check}`)
  }
}

function atLeastUnits(characters: number): number {
  return characters <= 1 ? characters : characters * 2
}

/** What `refine` and `check` were given. */
function emitCustom(code: Code, check: z.core.$ZodCheck, name: string): void {
  const { def } = check._zod
  // A promise would be no answer.
  if ('fn' in def) return code.require(`${code.bind(def.fn)}(${name}) === true`)
  const holds = (value: unknown): boolean => {
    const payload: z.core.ParsePayload<never> = { value: value as never, issues: [] }
    const pending = check._zod.check(payload)
    return pending === undefined && payload.issues.length === 0 && payload.value === value
  }
  code.require(`${code.bind(holds)}(${name})`)
}

function unsupported(what: string): Error {
  return new Error(`there is no quick check for ${what}: add it to compile.ts`)
}
