import type { IncomingMessage } from 'node:http'
export default (req: IncomingMessage & { query: Record<string, string> }, res: any) => res.status(200).json({ id: req.query.id })
