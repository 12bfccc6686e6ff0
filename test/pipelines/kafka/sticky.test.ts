import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignSticky, type GroupMember } from '../../../pipelines/kafka/sticky.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `log/${i}`)

/** The group after an assignment, as its members would tell it next time. */
function told(assigned: ReadonlyMap<string, string[]>, generation: number): GroupMember[] {
  return [...assigned].map(([id, owned]) => ({ id, owned, generation }))
}

function moved(before: ReadonlyMap<string, string[]>, after: ReadonlyMap<string, string[]>): number {
  let count = 0
  for (const [id, partitions] of before) {
    for (const partition of partitions) if (!after.get(id)?.includes(partition)) count++
  }
  return count
}

describe('the sticky assigner', () => {
  it('moves to a member that joins its share and nothing else', () => {
    const two = assignSticky([newcomer('a'), newcomer('b')], names(12))
    expect([...two.values()].map(({ length }) => length)).toEqual([6, 6])
    const three = assignSticky([...told(two, 1), newcomer('c')], names(12))
    expect([...three.values()].map(({ length }) => length)).toEqual([4, 4, 4])
    expect(moved(two, three)).toBe(4)
  })

  it('moves of a member that leaves its partitions and nothing else', () => {
    const three = assignSticky(['a', 'b', 'c'].map(newcomer), names(12))
    const two = assignSticky(
      told(three, 1).filter(({ id }) => id !== 'b'),
      names(12),
    )
    expect(moved(three, two)).toBe(4)
    expect([...two.values()].map(({ length }) => length)).toEqual([6, 6])
  })

  it('believes the later of two claims', () => {
    const members = [
      { id: 'a', owned: ['log/0', 'log/1'], generation: 3 },
      { id: 'b', owned: ['log/0'], generation: 4 },
    ]
    expect(assignSticky(members, names(2))).toEqual(
      new Map([
        ['a', ['log/1']],
        ['b', ['log/0']],
      ]),
    )
  })

  it('gives every partition to one member, evenly, moves the fewest, and the same in any order of members', () => {
    const groups = fc.record({
      partitions: fc.integer({ min: 0, max: 40 }),
      joins: fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { minLength: 1, maxLength: 12 }),
    })
    fc.assert(
      fc.property(groups, ({ partitions, joins }) => {
        let group = assignSticky([newcomer('m0')], names(partitions))
        for (const [turn, [isJoin, who]] of joins.entries()) {
          const staying = isJoin || group.size === 1 ? [...group] : [...group].filter((_, i) => i !== who % group.size)
          const before = new Map(staying)
          const members = told(before, turn)
          if (isJoin) members.push(newcomer(`m${turn + 1}`))
          const after = assignSticky(members, names(partitions))
          expect(assignSticky(members.toReversed(), names(partitions))).toEqual(after)
          expect([...after.values()].flat().sort()).toEqual(names(partitions).sort())
          const sizes = [...after.values()].map(({ length }) => length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          expect(moved(before, after)).toBe(leastMoves(before, after.size, partitions))
          group = after
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** The fewest partitions that must leave their owners: what is above the even share, the larger shares going to the richest. */
function leastMoves(before: ReadonlyMap<string, string[]>, members: number, partitions: number): number {
  const sizes = [...before.values()].map(({ length }) => length).sort((a, b) => b - a)
  const extra = partitions % members
  return sizes.reduce(
    (sum, size, i) => sum + Math.max(0, size - Math.floor(partitions / members) - (i < extra ? 1 : 0)),
    0,
  )
}

function newcomer(id: string): GroupMember {
  return { id, owned: [], generation: -1 }
}
