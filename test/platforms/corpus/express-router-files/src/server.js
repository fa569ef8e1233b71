import express from 'express'
import { pets } from './routes/pets.js'

const app = express()
app.use('/pets', pets)
app.use((error, req, res, next) => {
  res.status(error.status ?? 500).json({ error: error.message })
})
app.listen(process.env.PORT ?? 3000)
