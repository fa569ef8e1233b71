'use strict'

module.exports = async (event, context) => {
  if (event.method !== 'POST') return context.status(405).headers({ Allow: 'POST' }).fail({ error: 'method', allowed: ['POST'] })
  return context.status(201).succeed({ body: event.body, query: event.query.q })
}
