/**
 * The engine's own reading of a statement: `EXPLAIN AST` as a tree. Its lines are indented by one blank for each level; a
 * node that has children says how many.
 */

export type AstNode = {
  /** SelectQuery, Function, TableIdentifier … */
  readonly kind: string
  /** What stands behind the kind: a name, a literal. */
  readonly text: string
  readonly children: readonly AstNode[]
}

const LINE = /^( *)(.+?)(?: \(children (\d+)\))?$/
/** In front of the number of children, for an expression that was given a name. */
const ALIAS = / \(alias [\s\S]*\)$/

type Open = { kind: string; text: string; children: Open[]; expected: number }

/** The tree of a dump, undefined where the dump is not one: then nothing is known of the statement. */
export function parseAst(dump: string): AstNode | undefined {
  const path: Open[] = []
  let root: Open | undefined
  for (const line of dump.split('\n')) {
    if (line === '') continue
    const [, indent = '', said = '', count = '0'] = LINE.exec(line) ?? []
    const [kind, text] = splitOnce(said.replace(ALIAS, ''))
    const node: Open = { kind, text, children: [], expected: Number(count) }
    if (root === undefined && indent === '') root = node
    else {
      const parent = path[indent.length - 1]
      if (indent === '' || parent === undefined) return undefined
      parent.children.push(node)
    }
    path.length = indent.length
    path.push(node)
  }
  return root !== undefined && isWhole(root) ? root : undefined
}

function splitOnce(text: string): [string, string] {
  const blank = text.indexOf(' ')
  return blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank + 1)]
}

function isWhole(node: Open): boolean {
  return node.children.length === node.expected && node.children.every(isWhole)
}
