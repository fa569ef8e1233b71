import { Router } from 'express'

const known = new Map([['1', 'cat']])
export const pets = Router()
pets.get('/', (req, res) => res.json([...known.values()]))
pets.get('/:id', (req, res, next) => {
  const found = known.get(req.params.id)
  if (found) res.json(found)
  else next(Object.assign(new Error('no such pet'), { status: 404 }))
})
