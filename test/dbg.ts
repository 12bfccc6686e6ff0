import fc from 'fast-check'
import { oracleCases } from './oracle/arbitraries.ts'
const path = process.argv[2]!
let done = false
try {
fc.assert(fc.property(oracleCases, (one) => {
    if (done) throw new Error('x')
    done = true
    for (const item of one.history) {
      if (item.kind === 'tick') console.log(item.offset, 'tick', item.day, new Date(item.day*864e5).toISOString())
      else if (/loan|repay/.test(item.event.type)) console.log(item.offset, item.event.type, item.event.id, new Date(item.event.time).toISOString(), JSON.stringify(item.event.data).slice(0,900), 'paid', 'paid_at' in item.event.data ? new Date(item.event.data.paid_at).toISOString():'')
      else console.log(item.offset, item.event.type, new Date(item.event.time).toISOString())
    }
    console.log(JSON.stringify(one.configuration))
    throw new Error('stop')
  }), { seed: Number(process.argv[3] ?? 20260301), path, endOnFailure: true })
} catch {}
