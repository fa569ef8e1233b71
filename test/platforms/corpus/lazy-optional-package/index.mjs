import engines from 'engines-of-ours'
import { speak } from 'speaker-of-ours'

export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    return new Response(pathname === '/engine' ? engines[searchParams.get('name')]() : speak(searchParams.get('with')))
  },
}
