import { join } from 'node:path'

/** Names in the folder of a checkpoint, and in the bucket that it is copied to. */

export const MANIFEST = 'manifest.json'
const STATE_NAME = /^\d{8,}(?:-\d+)?\.state$/
const OWNED_NAME = /-(\d+)\.(?:state|new)$/

/** The folder in which `Checkpoints` of a directory keep their files. */
export function checkpointFolder(directory: string): string {
  return join(directory, 'checkpoint')
}

/**
 * Two who both believe that the folder is theirs may have counted the same files: with the owner in it, which is another
 * number for each of them, a name is never written twice.
 */
export function stateName(number: number, owner: number): string {
  return `${String(number).padStart(8, '0')}${suffixOf(owner)}.state`
}

/** Whether it is a name that `stateName` gives: one that came from elsewhere must not lead out of the folder. */
export function isStateName(name: string): boolean {
  return STATE_NAME.test(name)
}

/** The manifest while it is being written. */
export function newManifestName(owner: number): string {
  return `manifest${suffixOf(owner)}.new`
}

/** Who wrote a file. Later owners have larger numbers. */
export function ownerOf(name: string): number {
  return Number(OWNED_NAME.exec(name)?.[1] ?? 0)
}

/** 0 is the only owner that there ever is. */
function suffixOf(owner: number): string {
  return owner === 0 ? '' : `-${owner}`
}
