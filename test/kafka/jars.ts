import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const KAFKA_VERSION = '4.1.0'
const JAVA_MAJOR_MIN = 17
const FETCH_MS_MAX = 300_000

/** Why no broker can be started here, in one line; undefined where one can. */
export async function missingForBroker(): Promise<string | undefined> {
  const java = await run('java', ['-version']).catch(() => undefined)
  if (java === undefined) return `a Kafka broker needs Java ${JAVA_MAJOR_MIN} or newer, and java does not start`
  const major = Number(/version "(\d+)/.exec(java.stderr + java.stdout)?.[1] ?? 0)
  if (major < JAVA_MAJOR_MIN) return `a Kafka broker needs Java ${JAVA_MAJOR_MIN} or newer, and this is Java ${major}`
  if (await run('mvn', ['--version']).catch(() => undefined)) return undefined
  return 'the jars of a Kafka broker are fetched with Maven, and mvn does not start'
}

/** The folder with the broker's jars: fetched with Maven the first time, whoever else is fetching them. */
export async function brokerJars(cache: string): Promise<string> {
  const folder = join(cache, `kafka-${KAFKA_VERSION}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, 'fetch-'))
  try {
    await writeFile(join(work, 'pom.xml'), POM)
    const fetch = ['-q', '-B', '-f', join(work, 'pom.xml'), 'dependency:copy-dependencies']
    await run('mvn', [...fetch, `-DoutputDirectory=${join(work, 'lib')}`], { timeout: FETCH_MS_MAX })
    if ((await readdir(join(work, 'lib'))).length === 0) throw new Error('Maven fetched no jar')
    // Whoever comes first fills the name; what the others fetched is the same.
    await rename(join(work, 'lib'), folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return folder
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>foreshock.test</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`
