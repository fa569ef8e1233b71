import { sum } from '../sum.ts'

export default async function (app: { get: Function }): Promise<void> {
  app.get('/two', async () => ({ two: sum(1, 1) }))
}
