import type { InferenceSession } from 'onnxruntime-node'
import type { Band } from './bands.ts'
import type { ModelCard } from './card.ts'

/** A model that has been loaded: its graph and its card. */
export type Model = {
  /** `name@version`. */
  readonly id: string
  readonly card: ModelCard
  /** Bands of the score, contiguous from -Infinity to Infinity. */
  readonly bands: readonly Band[]
  readonly session: InferenceSession
}
