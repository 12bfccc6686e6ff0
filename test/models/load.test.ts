import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { modelCard } from '../../models/card.ts'
import { loadModel } from '../../models/load.ts'

const FIXTURE = new URL('../fixtures/models/tiny_v1/', import.meta.url).pathname
const KNOWN = new Set(CATALOGUE.map(featureId))

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foreshock-model-'))
  await cp(FIXTURE, directory, { recursive: true })
})
afterEach(() => rm(directory, { recursive: true }))

type Json = Record<string, unknown>

async function edit(file: string, change: (json: Json) => Json): Promise<void> {
  const path = join(directory, file)
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')) as Json)))
}

async function refusal(): Promise<[reason: string, detail: string]> {
  const loaded = await loadModel(directory, KNOWN)
  if (loaded.ok) throw new Error('the model was accepted')
  return [loaded.reason, loaded.detail]
}

describe('a model folder', () => {
  test('is loaded where graph, card, catalogue and test vectors agree', async () => {
    const loaded = await loadModel(directory, KNOWN)
    if (!loaded.ok) throw new Error(loaded.detail)
    expect(loaded.model.id).toBe('tiny@1')
    expect(loaded.model.card.inputs[0]).toBe('dpd_now@1')
    expect(loaded.model.bands.map((band) => band.severity)).toEqual(['none', 'blue', 'yellow', 'orange', 'red'])
    expect(loaded.model.bands.at(-1)?.upper).toBe(Number.POSITIVE_INFINITY)
  })

  test.each(['card.json', 'model.onnx', 'test_vectors.json'])('is refused without its %s', async (file) => {
    await rm(join(directory, file))
    expect(await refusal()).toEqual(['file_missing', expect.stringContaining(file)])
  })

  test('is refused where a single bit of the graph is not what the card was written for', async () => {
    const path = join(directory, 'model.onnx')
    const bytes = await readFile(path)
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    await writeFile(path, bytes)
    expect((await refusal())[0]).toBe('hash_mismatch')
  })

  test('is refused where the graph is cut off, also when the card has the hash of what is left', async () => {
    const path = join(directory, 'model.onnx')
    const half = (await readFile(path)).subarray(0, 2000)
    await writeFile(path, half)
    await edit('card.json', (card) => ({ ...card, sha256: createHash('sha256').update(half).digest('hex') }))
    expect((await refusal())[0]).toBe('graph_invalid')
  })

  test('is refused where it reads a feature, or a version of one, that is not in the catalogue', async () => {
    await edit('card.json', (card) => ({ ...card, inputs: (card['inputs'] as string[]).with(2, 'balance_last@2') }))
    expect(await refusal()).toEqual(['unknown_input', 'balance_last@2 is not in the catalogue'])
  })

  test('is refused where the graph takes another number of inputs than the card lists', async () => {
    await edit('card.json', (card) => ({ ...card, inputs: (card['inputs'] as string[]).slice(1) }))
    expect(await refusal()).toEqual(['input_mismatch', 'model.onnx takes 6 features, its card lists 5'])
  })

  test('is refused where the inputs are in another order: the known scores are then wrong', async () => {
    await edit('card.json', (card) => ({ ...card, inputs: (card['inputs'] as string[]).toReversed() }))
    // The test vectors are rows of the graph's inputs, so a card with another order serves other columns than it says.
    await edit('test_vectors.json', (vectors) => ({
      ...vectors,
      inputs: (vectors['inputs'] as number[][]).map((row) => row.toReversed()),
    }))
    expect((await refusal())[0]).toBe('vectors_mismatch')
  })

  test('is refused where a known score is not met, or is of another model', async () => {
    await edit('test_vectors.json', (vectors) => ({
      ...vectors,
      scores: (vectors['scores'] as number[]).with(3, ((vectors['scores'] as number[])[3] as number) + 1e-5),
    }))
    expect(await refusal()).toEqual(['vectors_mismatch', expect.stringContaining('test vector 3')])
    await edit('test_vectors.json', (vectors) => ({ ...vectors, model: 'tiny@2' }))
    expect(await refusal()).toEqual(['vectors_invalid', 'the test vectors are of tiny@2, not of tiny@1'])
  })

  test('is refused where a test vector is too short', async () => {
    await edit('test_vectors.json', (vectors) => ({
      ...vectors,
      inputs: (vectors['inputs'] as number[][]).map((row, i) => (i === 1 ? row.slice(1) : row)),
    }))
    expect((await refusal())[0]).toBe('vectors_invalid')
  })

  test.each<[string, (card: Json) => Json]>([
    ['lacks a field', (card) => ({ ...card, label: undefined })],
    ['has a field that nobody would heed', (card) => ({ ...card, threshold: 0.5 })],
    ['lists an input twice', (card) => ({ ...card, inputs: [...(card['inputs'] as string[]), 'dpd_now@1'] })],
    ['has bands with a hole', (card) => ({ ...card, bands: (card['bands'] as Json[]).toSpliced(2, 1) })],
    ['has a severity of its own', (card) => ({ ...card, bands: [{ lower: null, upper: null, severity: 'purple' }] })],
    ['has no hash', (card) => ({ ...card, sha256: '' })],
  ])('is refused where its card %s', async (_, change) => {
    await edit('card.json', change)
    expect((await refusal())[0]).toBe('card_invalid')
  })

  test('is refused where its card is not JSON', async () => {
    await writeFile(join(directory, 'card.json'), '{"name": "tiny",')
    expect((await refusal())[0]).toBe('card_invalid')
  })
})

describe('a card', () => {
  test('says on what and how the model was trained, and how good it is out of time', async () => {
    const card = modelCard.parse(JSON.parse(await readFile(join(FIXTURE, 'card.json'), 'utf8')))
    const gap = Date.parse(card.test.first_month_end) - Date.parse(card.training.last_month_end)
    expect(gap).toBeGreaterThanOrEqual(card.windows.embargo_days * 86_400_000)
    const { auc } = card.metrics
    expect(auc.low).toBeLessThan(auc.value)
    expect(auc.high).toBeGreaterThan(auc.value)
    expect(card.export.score_difference_max).toBeLessThanOrEqual(1e-6)
  })
})
