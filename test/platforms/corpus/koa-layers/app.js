const Koa = require('koa')

const app = new Koa()
app.use(async (ctx, next) => {
  await next()
  ctx.set('x-seen', `${ctx.method} ${ctx.path}`)
})
app.use(async (ctx) => {
  if (ctx.path === '/broken') ctx.throw(418, 'short and stout')
  ctx.body = { host: typeof ctx.host, path: ctx.path }
})
app.listen(3000)
