/** How far a job that goes through the log has come, for people. */
export type JobProgress = {
  readonly events: number
  /** How much is done, 0 to 1. */
  readonly share: number
  readonly detail: string
}
