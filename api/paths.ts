import { type Problem, problem } from './problem.ts'

/** Knows every path and its methods, to tell a wrong method (405) from a wrong path (404). */
export function createPaths() {
  const known = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  return {
    add: (method: string | readonly string[], url: string): void => {
      const source = url.replaceAll(/:[a-z_]+/g, '[^/]+').replaceAll('.', '\\.')
      const entry = known.get(url) ?? { pattern: new RegExp(`^${source}$`), methods: new Set() }
      for (const one of [method].flat()) entry.methods.add(one)
      known.set(url, entry)
    },

    problem: (method: string, url: string): Problem => {
      const path = url.split('?', 1)[0] ?? ''
      const methods = [...known.values()].find(({ pattern }) => pattern.test(path))?.methods
      if (methods === undefined || methods.has(method)) return problem(404, 'not_found')
      const allow = [...methods].sort().join(', ')
      return problem(405, 'method_not_allowed', `${method} is not among its methods: ${allow}.`, { headers: { allow } })
    },
  }
}
