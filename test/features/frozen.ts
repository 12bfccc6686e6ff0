/** What golden tests of published things say when they fail. */
export const FROZEN =
  'A published entry never changes. Add a new version beside the old one ({ ...feature({…}), version: 2 }) and leave ' +
  'the old one as it was. Entries that are new are added to the golden file by `npx vitest run test/features -u`, which ' +
  'never takes a changed one.'

/** Published entries that are no more what they were, as lines; what is new is none of its business. */
export function changedEntries(before: readonly { id: string }[], now: readonly { id: string }[]): string[] {
  const current = new Map(now.map((one) => [one.id, JSON.stringify(one)]))
  return before.flatMap((one) => {
    const was = JSON.stringify(one)
    const is = current.get(one.id)
    return was === is ? [] : [`${one.id} was ${was}, is ${is ?? 'gone'}`]
  })
}
