/** Something that a process does until it is told to stop. */
export type Role = {
  readonly name: string
  /** Settles when the role has ended: rejects with what ended it, where nobody had asked for it. */
  readonly finished: Promise<void>
  /** Finishes what is in flight and gives up what it owns. */
  stop(): Promise<void>
}

/** What a person must do something about; the process ends with it. */
export class ClusterFailure extends Error {}
