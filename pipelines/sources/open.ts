import { type FileHandle, open, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { errorCode } from './chunks.ts'
import { detectFormat } from './decompress.ts'
import { type FileRegistry, freeId, hashContent, identify } from './file-identity.ts'
import { SOURCES_MAX } from './merge.ts'
import { createFileSource, fileContent, type OpenFile, STANDARD_INPUT_NAME } from './sequential.ts'
import { openSorted } from './sorted.ts'
import type { FileEntry, Source } from './source.ts'
import { createStreamSource, streamContent, streamPartition } from './stdin.ts'
import { MAGIC_BYTES } from './zstd-frames.ts'

export type OpenOptions = {
  /** In time order instead of the file's own; the position is then the rank. */
  readonly sort?: boolean
  /** The largest position of a source partition that is in the log, 0 when there is none. Items up to it are skipped. */
  readonly resumeAfter?: (sourcePartition: string) => number | Promise<number>
  /** Where `sort` unpacks; the system's temporary directory by default. */
  readonly temporaryDirectory?: string
}

export type OpenFailure = {
  readonly ok: false
  readonly reason:
    | 'missing'
    | 'unreadable'
    | 'is_a_directory'
    | 'no_temporary_space'
    | 'too_many_lines'
    | 'too_many_sources'
    | 'standard_input_twice'
  /** One line that says what and what to do. */
  readonly detail: string
}

export type OpenOutcome = { readonly ok: true; readonly source: Source } | OpenFailure

export type OpenSourcesOutcome =
  | {
      readonly ok: true
      /** In the order of the arguments. */
      readonly sources: readonly Source[]
      /** Names of files whose content stands whole at the beginning of another one of these sources: left out. */
      readonly contained: readonly string[]
    }
  | OpenFailure

/** Standard input for `-`, with the number that its source partition gets. */
export type StandardInput = { readonly stream: Readable; readonly n: number }

/** Opens one file: finds out which file it is, and where its reading goes on. */
export async function openFile(path: string, registry: FileRegistry, options: OpenOptions = {}): Promise<OpenOutcome> {
  const outcome = await openSources([path], registry, options)
  return outcome.ok ? { ok: true, source: outcome.sources[0]! } : outcome
}

/**
 * Opens what a command names, in that order; `-` is standard input where that is given. All or nothing: after a failure
 * nothing stays open. Files of one call that begin alike are compared whole, so that none hides behind another's
 * positions before the registry knows them apart.
 */
export async function openSources(
  names: readonly string[],
  registry: FileRegistry,
  options: OpenOptions = {},
  standardInput?: StandardInput,
): Promise<OpenSourcesOutcome> {
  if (names.length > SOURCES_MAX) {
    const detail = `${names.length} sources, at most ${SOURCES_MAX} at a time: join some of them`
    return { ok: false, reason: 'too_many_sources', detail }
  }
  if (standardInput !== undefined && names.filter((name) => name === STANDARD_INPUT_NAME).length > 1) {
    return { ok: false, reason: 'standard_input_twice', detail: 'standard input (-) can be read once: name it once' }
  }
  const candidates: Candidate[] = []
  const sources: Source[] = []
  const contained: string[] = []
  const failure = await openAll()
  if (failure === undefined) return { ok: true, sources, contained }
  for (const source of sources) await source.close()
  for (const candidate of candidates) await candidate.file?.handle.close()
  return failure

  async function openAll(): Promise<OpenFailure | undefined> {
    for (const name of names) {
      const isStandardInput = standardInput !== undefined && name === STANDARD_INPUT_NAME
      const candidate = isStandardInput ? createCandidate(undefined) : await openPath(name)
      if ('ok' in candidate) return candidate
      candidates.push(candidate)
      if (options.sort !== true && candidate.file !== undefined) {
        await chooseId(candidate, candidate.file, registry, candidates)
      }
    }
    for (const candidate of candidates) {
      const source = candidate.isContained ? undefined : await createSource(candidate, options, standardInput)
      if (source !== undefined && 'ok' in source) return source
      // With `sort` the partition is made of the whole content, so the same partition is the same content.
      const isRepeat = sources.some((other) => other.source_partition === source?.source_partition)
      if (source !== undefined && !isRepeat) {
        sources.push(source)
        continue
      }
      contained.push(candidate.file?.name ?? STANDARD_INPUT_NAME)
      await (source ?? candidate.file?.handle)?.close()
    }
    return undefined
  }
}

/** One argument on its way to a source. */
type Candidate = {
  /** Undefined for standard input. */
  readonly file: OpenFile | undefined
  readonly isPlain: boolean
  id: string
  /** Set when the registry has to know more of the file than will have been read for a while. */
  floor: FileEntry | undefined
  isContained: boolean
}

function createCandidate(file: OpenFile | undefined, isPlain = false): Candidate {
  return { file, isPlain, id: '', floor: undefined, isContained: false }
}

/** Makes the source; from then on closing it closes the file. */
async function createSource(
  candidate: Candidate,
  options: OpenOptions,
  standardInput: StandardInput | undefined,
): Promise<Source | OpenFailure> {
  const { file, id, floor } = candidate
  const resumeAfter = options.resumeAfter ?? (() => 0)
  const temporary = options.temporaryDirectory === undefined ? {} : { temporaryDirectory: options.temporaryDirectory }
  if (file === undefined) {
    const { stream, n } = standardInput!
    if (options.sort !== true) return createStreamSource(stream, n)
    const sorted = await openSorted({
      name: STANDARD_INPUT_NAME,
      content: streamContent(stream),
      handle: undefined,
      source_partition: streamPartition(n),
      resumeAfter: () => 0,
      ...temporary,
    })
    return sorted.ok ? sorted.source : sorted
  }
  if (options.sort !== true) {
    const place = { source_partition: id, resumeAfter: await resumeAfter(id) }
    return createFileSource(file, floor === undefined ? place : { ...place, floor })
  }
  const handle = candidate.isPlain ? file.handle : undefined
  const content = fileContent(file)
  const sorted = await openSorted({ name: file.name, content, handle, resumeAfter, ...temporary })
  if (!sorted.ok) return sorted
  if (!candidate.isPlain) await file.handle.close()
  return sorted.source
}

async function openPath(path: string): Promise<Candidate | OpenFailure> {
  let handle: FileHandle | undefined
  try {
    // Before opening: to open a pipe would wait for its writer.
    const stats = await stat(path)
    if (!stats.isFile()) return openFailure(path, stats.isDirectory() ? 'EISDIR' : NOT_A_FILE)
    handle = await open(path, 'r')
    const head = Buffer.alloc(MAGIC_BYTES)
    const { bytesRead } = await handle.read(head, 0, MAGIC_BYTES, 0)
    const format = detectFormat(head.subarray(0, bytesRead), path)
    if (typeof format === 'object') {
      await handle.close()
      const detail = `${path} is packed with ${format.unsupported}: give it plain, as .gz or as .zst`
      return { ok: false, reason: 'unreadable', detail }
    }
    const size_bytes = (await handle.stat()).size
    return createCandidate({ handle, size_bytes, name: path }, format === 'plain')
  } catch (error) {
    await handle?.close()
    return openFailure(path, errorCode(error))
  }
}

const NOT_A_FILE = 'not a regular file'

function openFailure(path: string, code: string): OpenFailure {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { ok: false, reason: 'missing', detail: `there is no file ${path}: check the path` }
    case 'EISDIR':
      return { ok: false, reason: 'is_a_directory', detail: `${path} is a directory: name the files in it` }
    case NOT_A_FILE:
      return { ok: false, reason: 'unreadable', detail: `${path} is not a regular file: pipe it in and name it -` }
    case 'EACCES':
    case 'EPERM':
      return { ok: false, reason: 'unreadable', detail: `cannot read ${path} (${code}): check its permissions` }
    default:
      return { ok: false, reason: 'unreadable', detail: `cannot read ${path} (${code}): mend that, then run again` }
  }
}

/**
 * Gives a file its id: that of the longest known content it continues, else a new one. When an earlier file of the same
 * call may have that id, the two are compared whole: if one begins with all of the other, the shorter is left out; if
 * they differ, this one takes another id and its entry covers all of it from the start, so that a run that is killed
 * while both are still alike in what was read finds them apart again.
 */
async function chooseId(
  candidate: Candidate,
  file: OpenFile,
  registry: FileRegistry,
  candidates: readonly Candidate[],
): Promise<void> {
  const known = await registry.list()
  const { matches, base } = await identify(fileContent(file), known)
  const earlier = candidates.filter((other) => other !== candidate && other.file !== undefined && !other.isContained)
  const apart = new Set<string>()
  for (const other of earlier) {
    if (!mayBe(other.id, base) && !matches.some((entry) => entry.file === other.id)) continue
    const relation = await compare(file, other.file!)
    if (relation === 'differs') {
      apart.add(other.id)
      continue
    }
    candidate.id = other.id
    candidate.isContained = relation === 'within'
    if (relation === 'contains') {
      other.isContained = true
      candidate.floor = other.floor
    }
    return
  }
  const taken = new Set([...known.map((entry) => entry.file), ...earlier.map((other) => other.id)])
  const match = matches.find((entry) => !apart.has(entry.file))
  candidate.id = match?.file ?? freeId(base, (id) => taken.has(id))
  if (apart.size > 0) candidate.floor = await wholeEntry(file, candidate.id)
}

function mayBe(id: string, base: string): boolean {
  return id === base || id.startsWith(`${base}-`)
}

async function wholeEntry(file: OpenFile, id: string): Promise<FileEntry> {
  const { bytes, sha256 } = await hashContent(fileContent(file), [], true)
  return { file: id, bytes, lines: 0, sha256 }
}

/** Whether content is the beginning of other content, or the same (`within`), begins with all of it, or neither. */
async function compare(file: OpenFile, other: OpenFile): Promise<'within' | 'contains' | 'differs'> {
  const whole = await hashContent(fileContent(file), [], true)
  const otherWhole = await hashContent(fileContent(other), [whole.bytes], true)
  if (otherWhole.at.get(whole.bytes) === whole.sha256) return 'within'
  if (otherWhole.bytes > whole.bytes) return 'differs'
  const { at } = await hashContent(fileContent(file), [otherWhole.bytes], false)
  return at.get(otherWhole.bytes) === otherWhole.sha256 ? 'contains' : 'differs'
}
