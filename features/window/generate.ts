/**
 * Makes a function of a text that was made from the catalogue, never from data.
 *
 * @param head name and parameters, as in `pass(rows, end)`
 * @param bound values that the text may use by these names
 */
export function generateFunction<Type>(
  head: string,
  lines: readonly string[],
  bound: Readonly<Record<string, unknown>> = {},
): Type {
  const make = new Function(...Object.keys(bound), `return function ${head} {\n${lines.join('\n')}\n}`)
  return make(...Object.values(bound)) as Type
}
