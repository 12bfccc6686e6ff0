import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CARD_FILE, cardBands, GRAPH_FILE, modelCard, TEST_VECTORS_FILE, testVectors } from './card.ts'
import type { Model } from './model.ts'
import { openGraph } from './scorer.ts'
import { verifyTestVectors } from './vectors.ts'

export type ModelFault =
  | 'file_missing'
  | 'card_invalid'
  | 'hash_mismatch'
  | 'unknown_input'
  | 'graph_invalid'
  | 'input_mismatch'
  | 'vectors_invalid'
  | 'vectors_mismatch'

export type LoadedModel =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly reason: ModelFault; readonly detail: string }

/**
 * Loads a model's folder and refuses it where anything in it disagrees: hash, inputs against the catalogue
 * (`knownFeatures` are `name@version`), number of inputs against the graph, known answers against the scores.
 */
export async function loadModel(directory: string, knownFeatures: ReadonlySet<string>): Promise<LoadedModel> {
  const files = await readFiles(directory)
  if (!files.ok) return files
  const card = parseJson(files.card, modelCard)
  if (!card.ok) return refuse('card_invalid', `${CARD_FILE} ${card.detail}`)
  const vectors = parseJson(files.vectors, testVectors)
  if (!vectors.ok) return refuse('vectors_invalid', `${TEST_VECTORS_FILE} ${vectors.detail}`)
  const { name, version, inputs, sha256 } = card.value

  const actual = createHash('sha256').update(files.graph).digest('hex')
  if (actual !== sha256) return refuse('hash_mismatch', `${GRAPH_FILE} has SHA-256 ${actual}, its card says ${sha256}`)
  const unknown = inputs.find((input) => !knownFeatures.has(input))
  if (unknown !== undefined) return refuse('unknown_input', `${unknown} is not in the catalogue`)

  const opened = await openGraph(files.graph)
  if (!opened.ok) return refuse('graph_invalid', `${GRAPH_FILE} ${opened.detail}`)
  const { graph } = opened
  const model: Model = { id: `${name}@${version}`, card: card.value, bands: cardBands(card.value.bands), graph }
  const refusal =
    graph.inputs === inputs.length
      ? await verifyTestVectors(model, vectors.value)
      : refuse('input_mismatch', `${GRAPH_FILE} takes ${graph.inputs} features, its card lists ${inputs.length}`)
  if (refusal === null) return { ok: true, model }
  await graph.release()
  return refusal
}

type Files = { ok: true; graph: Uint8Array; card: Uint8Array; vectors: Uint8Array }
type Refusal = { ok: false; reason: ModelFault; detail: string }

function refuse(reason: ModelFault, detail: string): Refusal {
  return { ok: false, reason, detail }
}

async function readFiles(directory: string): Promise<Files | Refusal> {
  const read = (file: string) => readFile(join(directory, file))
  try {
    const [card, graph, vectors] = await Promise.all([read(CARD_FILE), read(GRAPH_FILE), read(TEST_VECTORS_FILE)])
    return { ok: true, card, graph, vectors }
  } catch (error) {
    return refuse('file_missing', error instanceof Error ? error.message : String(error))
  }
}

function parseJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
): { ok: true; value: z.output<Schema> } | { ok: false; detail: string } {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return { ok: false, detail: `is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, value: parsed.data }
  const [issue] = parsed.error.issues
  return { ok: false, detail: `at ${issue?.path.join('.') || 'its root'}: ${issue?.message}` }
}
