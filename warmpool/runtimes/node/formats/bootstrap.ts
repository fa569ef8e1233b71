/**
 * Lambda's contract for any language: an executable `bootstrap` that asks the Runtime API for invocations, one after
 * the other. It is ready when it asks for the first.
 */
import { RuntimeApi } from '../lambda-api/runtime-api.ts'
import { RuntimeCall } from '../lambda-api/runtime-call.ts'
import { folderOf, Program } from '../programs/program.ts'
import type { Format } from './format.ts'
import { setVariables } from './lambda-environment.ts'
import { eventOfPayload } from './lambda-payload.ts'

const NO_BODY = Buffer.alloc(0)

export const bootstrapFormat: Format = {
  name: 'bootstrap',
  concurrency: 1,
  expects: "an executable bootstrap that asks Lambda's Runtime API for invocations",
  isMarked: () => false,
  async handler(_exports, load) {
    const api = new RuntimeApi()
    const eventOf = await eventOfPayload(load)
    const folder = folderOf(load)
    process.env.AWS_EXECUTION_ENV ??= 'AWS_Lambda_provided.al2023'
    setVariables(load)
    const env = { AWS_LAMBDA_RUNTIME_API: await api.listen(), LAMBDA_TASK_ROOT: folder, LAMBDA_RUNTIME_DIR: folder }
    const program = await Program.start(load, { env, stdio: 'logged', usual: ['./bootstrap'] })
    const first = await program.untilReady(() => api.initialised, {
      awaited: 'ask for an invocation',
      advice: 'It is to poll http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next.',
    })
    if (first !== 'polled') throw program.failure(`reported an init error, ${first.type}: ${first.message}`)
    program.serve(() => api.isBusy)
    return (call) => {
      const { body } = call
      if (body.isWhole) {
        const bytes = body.isAbsent ? NO_BODY : body.takeToRead()
        return api.invoke(new RuntimeCall(call, load.name, bytes, eventOf))
      }
      return body.collect().then((bytes) => api.invoke(new RuntimeCall(call, load.name, bytes, eventOf)))
    }
  },
}
