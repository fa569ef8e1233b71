import { AutoRouter } from 'itty-router'

const router = AutoRouter()
router.get('/todos/:id', ({ id }) => ({ id, done: false }))
export default router
