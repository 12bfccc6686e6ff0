import ts from 'typescript'

/** A place in a source file: its line (from 1) and the text found there. */
export type Finding = { readonly line: number; readonly found: string }

/** Parsed sources by their text: several searches go over the same files. */
const parsed = new Map<string, ts.SourceFile>()

/** Calls `visit` for every node of a TypeScript text; what it returns is a finding at that node. */
function scan(text: string, visit: (node: ts.Node) => string | undefined): Finding[] {
  const source = parsed.get(text) ?? ts.createSourceFile('scanned.ts', text, ts.ScriptTarget.Latest, true)
  parsed.set(text, source)
  const findings: Finding[] = []
  const walk = (node: ts.Node): void => {
    const found = visit(node)
    if (found !== undefined) {
      findings.push({ line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, found })
    }
    ts.forEachChild(node, walk)
  }
  walk(source)
  return findings
}

/** `object.name` or `object['name']` as text, whatever the object is. */
function memberOf(node: ts.Node): { object: string; name: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) return { object: node.expression.getText(), name: node.name.text }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return { object: node.expression.getText(), name: node.argumentExpression.text }
  }
  return undefined
}

/** The package or file that an import, export or import() names. */
function moduleNamed(node: ts.Node): ts.StringLiteralLike | undefined {
  let named: ts.Node | undefined
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) named = node.moduleSpecifier
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) named = node.argument.literal
  else if (ts.isCallExpression(node)) {
    const callee = node.expression
    const loads =
      callee.kind === ts.SyntaxKind.ImportKeyword ||
      /^(?:require|require\.resolve|import\.meta\.resolve)$/.test(callee.getText())
    if (loads) named = node.arguments[0]
  }
  return named !== undefined && ts.isStringLiteralLike(named) ? named : undefined
}

/** Everything a file imports, types and import() included. */
export function findImports(text: string): Finding[] {
  return scan(text, (node) => moduleNamed(node)?.text)
}

/** Names taken out of a module by `import { name }`, or out of an object by `const { name } = object`. */
function takes(node: ts.Node, from: RegExp, name: string): boolean {
  if (ts.isImportSpecifier(node)) {
    const declaration = node.parent.parent.parent
    return (
      ts.isImportDeclaration(declaration) &&
      ts.isStringLiteral(declaration.moduleSpecifier) &&
      from.test(declaration.moduleSpecifier.text) &&
      (node.propertyName ?? node.name).text === name
    )
  }
  if (ts.isBindingElement(node)) {
    const declaration = node.parent.parent
    return (
      ts.isVariableDeclaration(declaration) &&
      declaration.initializer !== undefined &&
      from.test(declaration.initializer.getText()) &&
      (node.propertyName ?? node.name).getText() === name
    )
  }
  return false
}

/** Reads and writes of the environment: `process.env` in any spelling, also taken apart or imported. */
export function findEnvironment(text: string): Finding[] {
  return scan(text, (node) => {
    const member = memberOf(node)
    const read = member?.name === 'env' && /^(?:globalThis\.)?process$/.test(member.object)
    return read || takes(node, /^(?:(?:globalThis\.)?process|node:process)$/, 'env') ? node.getText() : undefined
  })
}

const CLOCKS = new Set([
  'Date.now',
  'performance.now',
  'performance.timeOrigin',
  'process.hrtime',
  'process.uptime',
  'Temporal.Now',
])

/** Looks at a clock: `Date.now`, `new Date()` without arguments, `Date()`, `performance.now` and their like. */
export function findClocks(text: string): Finding[] {
  return scan(text, (node) => {
    const member = memberOf(node)
    if (member !== undefined) {
      const name = `${member.object.replace(/^globalThis\./, '')}.${member.name}`
      return CLOCKS.has(name) ? name : undefined
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date') {
      return (node.arguments?.length ?? 0) === 0 ? node.getText() : undefined
    }
    if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return node.getText()
    // A formatter that is given no instant formats this one.
    if (ts.isCallExpression(node) && node.arguments.length === 0) {
      const callee = memberOf(node.expression)
      if (callee?.name === 'format' && /DateTimeFormat/.test(callee.object)) return node.getText()
    }
    if (takes(node, /^Date$/, 'now') || takes(node, /^performance$/, 'now')) return node.getText()
    return takes(node, /^(?:node:)?perf_hooks$/, 'performance') ? node.getText() : undefined
  })
}

const RANDOM_OF_CRYPTO = [
  'randomBytes',
  'randomInt',
  'randomUUID',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
]

/** Draws at random: `Math.random` and what node:crypto offers. */
export function findRandom(text: string): Finding[] {
  return scan(text, (node) => {
    const member = memberOf(node)
    if (member?.name === 'random' && member.object.endsWith('Math')) return node.getText()
    if (member !== undefined && /crypto$/i.test(member.object) && RANDOM_OF_CRYPTO.includes(member.name))
      return node.getText()
    if (takes(node, /^Math$/, 'random')) return node.getText()
    return RANDOM_OF_CRYPTO.some((name) => takes(node, /^(?:node:)?crypto$/, name)) ? node.getText() : undefined
  })
}

const TEST_FUNCTIONS = /^(?:test|it|describe|suite|bench)(?:\.\w+)*$/

/**
 * Tests that do not run or keep others from running: `.only`, `.todo` and the focused spellings always; `.skip`, `.skipIf` and
 * `.runIf` without a comment right above (or a reason given to `context.skip`) that says why.
 */
export function findDisabledTests(text: string): Finding[] {
  const lines = text.split('\n')
  return scan(text, (node) => {
    const member = memberOf(node)
    if (member === undefined) {
      const bare = ts.isCallExpression(node) ? node.expression.getText() : ''
      return /^(?:xit|xtest|xdescribe|fit|fdescribe)$/.test(bare) ? bare : undefined
    }
    const found = `${member.object}.${member.name}`
    if (member.name === 'skip' && /^(?:ctx|context|task|t)$/.test(member.object)) {
      return ts.isCallExpression(node.parent) && node.parent.arguments.length > 0 ? undefined : found
    }
    if (!TEST_FUNCTIONS.test(member.object)) return undefined
    if (member.name === 'only' || member.name === 'todo') return found
    if (!/^(?:skip|skipIf|runIf)$/.test(member.name)) return undefined
    const at = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line
    return /^\s*(?:\/\/|\*\/|\/?\*)\s*\S/.test(lines[at - 1] ?? '') ? undefined : found
  })
}
