import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** One chunk of a file to read, and what it must be. */
export type ChunkRead = {
  readonly file: string
  readonly at: number
  readonly bytes: number
  readonly crc32: number
}

export type SizedFile = { readonly name: string; readonly bytes: number }

/** Reads chunks of the files of one folder, and checks them. */
export class CheckedFiles {
  readonly #folder: string
  #opened: { readonly name: string; readonly descriptor: number } | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The first of the files that is not there with so many bytes. */
  damagedOf(files: readonly SizedFile[]): string | undefined {
    const sizeOf = (name: string) => statSync(join(this.#folder, name), { throwIfNoEntry: false })?.size
    return files.find(({ name, bytes }) => sizeOf(name) !== bytes)?.name
  }

  /** Reads a chunk to the beginning of `room`. False where it is not as it was written. */
  read({ file, at, bytes, crc32: expected }: ChunkRead, room: SharedArrayBuffer): boolean {
    const to = new Uint8Array(room, 0, bytes)
    const descriptor = this.#open(file)
    for (let read = 0; read < bytes; ) {
      const count = readSync(descriptor, to, read, bytes - read, at + read)
      if (count === 0) return false
      read += count
    }
    return crc32(to) === expected
  }

  close(): void {
    if (this.#opened !== undefined) closeSync(this.#opened.descriptor)
    this.#opened = undefined
  }

  #open(name: string): number {
    if (this.#opened?.name !== name) {
      this.close()
      this.#opened = { name, descriptor: openSync(join(this.#folder, name), 'r') }
    }
    return this.#opened.descriptor
  }
}
