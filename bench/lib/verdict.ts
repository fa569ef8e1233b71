/** A measured value beside what it should be, and whether it is. */

export interface Finding {
  readonly measure: string
  readonly value: number
  readonly unit: string
  readonly target: string
  readonly isReached: boolean
  /** A promise about correctness rather than about speed: the run fails when it is broken. */
  readonly isMust: boolean
}

/** How one finding is told apart from its siblings: what was measured, and in what. */
export interface Measured {
  readonly measure: string
  readonly value: number
  readonly unit?: string
}

export function atMost(limit: number, measured: Measured): Finding {
  return finding(measured, `≤ ${limit}`, measured.value <= limit, false)
}

export function below(limit: number, measured: Measured): Finding {
  return finding(measured, `< ${limit}`, measured.value < limit, false)
}

export function atLeast(limit: number, measured: Measured): Finding {
  return finding(measured, `≥ ${limit}`, measured.value >= limit, false)
}

/** A count that must be zero on any machine, however slow. */
export function mustBeNone(measured: Measured): Finding {
  return finding(measured, 'none', measured.value === 0, true)
}

/** A count that must be exactly this on any machine. */
export function mustBe(wanted: number, measured: Measured): Finding {
  return finding(measured, String(wanted), measured.value === wanted, true)
}

/** A count without which the rest proves nothing. */
export function mustBeAtLeast(limit: number, measured: Measured): Finding {
  return finding(measured, `≥ ${limit}`, measured.value >= limit, true)
}

function finding(
  { measure, value, unit = '' }: Measured,
  target: string,
  isReached: boolean,
  isMust: boolean,
): Finding {
  return { measure, value, unit, target, isReached, isMust }
}
