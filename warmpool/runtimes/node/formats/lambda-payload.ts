/** Which of the two payload formats a Lambda function's events have. Format 1.0 is read only where it is asked for. */
import type { Load } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'
import { type LambdaEvent, lambdaEvent } from './lambda-event.ts'
import type { LambdaEvent1 } from './lambda-event-1.ts'

export type EventOf = (call: Call, functionName: string, traceId: string, nowMs: number) => LambdaEvent | LambdaEvent1

export async function eventOfPayload({ platform }: Load): Promise<EventOf> {
  return platform?.payload === '1.0' ? (await import('./lambda-event-1.ts')).lambdaEvent1 : lambdaEvent
}
