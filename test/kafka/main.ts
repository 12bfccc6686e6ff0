/** `npm run kafka`: a real broker on a free port until it is interrupted; its data goes with it. */
import { testKafka } from '../../pipelines/config.ts'
import { startBroker } from './broker.ts'
import { missingForBroker } from './jars.ts'

const missing = await missingForBroker()
if (missing === undefined) {
  const broker = await startBroker(testKafka().cache)
  console.log(
    `Kafka answers at ${broker.address}: KAFKA_BROKERS=${broker.address}. Ctrl-C ends it and removes its data.`,
  )
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  await broker.close()
} else {
  console.error(missing)
  process.exitCode = 1
}
