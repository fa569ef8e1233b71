export const onRequest = [
  async ({ data, next }) => {
    data.from = 'first'
    return next()
  },
  ({ env, data, functionPath }) => Response.json([env.TITLE, data.from, functionPath]),
]
