import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { SqlError } from '../../sql/client.ts'
import { describeError, Failure, isDiskFull, Said, say, UsageError } from './output.ts'

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

/** The commands in the order of the help, each with how its code is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand(),
  simulate: async () => (await import('./commands/simulate.ts')).simulateCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  ingest: async () => (await import('./commands/ingest.ts')).ingestCommand(),
  sql: async () => (await import('./commands/sql.ts')).sqlCommand(),
  feed: async () => (await import('./commands/feed.ts')).feedCommand(),
  features: async () => (await import('./commands/features.ts')).featuresCommand(),
  backfill: async () => (await import('./commands/backfill.ts')).backfillCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  deadletters: async () => (await import('./commands/deadletters.ts')).deadlettersCommand(),
  jobs: async () => (await import('./commands/jobs.ts')).jobsCommand(),
  keys: async () => (await import('./commands/keys.ts')).keysCommand(),
  schema: async () => (await import('./commands/schema.ts')).schemaCommand(),
}

/** The program with the command that was asked for: most of a short one's time would be the loading of the others. */
async function createProgram(asked: string | undefined): Promise<Command> {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
    description: string
  }
  const program = new Command('foreshock').description(description).version(version)
  const load = asked === undefined || !Object.hasOwn(COMMANDS, asked) ? undefined : COMMANDS[asked]
  const commands = load === undefined ? Object.values(COMMANDS).map((loadOther) => loadOther()) : [load()]
  for (const command of await Promise.all(commands)) program.addCommand(command)
  // Errors are said here, once, in one line.
  for (const command of allCommands(program)) command.exitOverride().configureOutput({ outputError: () => {} })
  return program
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => allCommands(child))]
}

/** Runs one command and sets the exit code: 0 when all of its work is done, 2 on wrong usage, 1 on anything else. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read the output has gone, as `head` does.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    await (await createProgram(argv[2])).parseAsync(argv)
  } catch (error) {
    process.exitCode = sayError(error)
  }
  // What a slow reader has not taken yet would be lost with the process.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // Native engines keep threads of their own; the command's work is done.
  process.exit()
}

/** Resolves when all that was written to a stream has left this process. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

function sayError(error: unknown): number {
  if (error instanceof Said) return error.cause instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // A command that only groups others has shown its help.
    if (error.code === 'commander.help') return EXIT_USAGE
    say(`${error.message.replace(/^error: /, '')} (foreshock --help shows the usage)`)
    return EXIT_USAGE
  }
  if (error instanceof UsageError) {
    say(error.message)
    return EXIT_USAGE
  }
  say(describeError(error))
  const isExpected =
    error instanceof Failure ||
    error instanceof SqlError ||
    isDiskFull(error) ||
    typeof (error as { code?: unknown } | null)?.code === 'string'
  // A bug shows where it is.
  if (!isExpected && error instanceof Error && error.stack !== undefined) say(error.stack)
  return EXIT_FAILURE
}
