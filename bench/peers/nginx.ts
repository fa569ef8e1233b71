/**
 * nginx in front of node:http and of php-fpm, over unix sockets: as many processes as cores, no access log, bodies kept
 * in memory. php-fpm is not kept connected: a kept connection occupies a child, and there are few children.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serverCoreCount } from '../lib/pinning.ts'
import { freePort, type Host } from './host.ts'
import type { Peer } from './peer.ts'
import { node } from './single-process.ts'

/** Where Debian puts what administrators start; not everybody's PATH has it. */
const SBIN = '/usr/sbin'
const isRoot = process.getuid?.() === 0

export const nginxNode: Peer = {
  name: 'nginx -> node:http',
  async start(host, { name }) {
    const socket = join(host.folder, 'node.sock')
    host.run(node('node-http.js', name, socket))
    return nginxBefore(host, `unix:${socket}`)
  },
}

/** nginx with kept connections to an HTTP server, which is named as nginx names it. */
export function nginxBefore(host: Host, server: string): Promise<string> {
  return startNginx(
    host,
    `upstream behind { server ${server}; keepalive 64; keepalive_requests 10000000; }`,
    `proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffers 16 8k;`,
  )
}

export const nginxPhp: Peer = {
  name: 'nginx -> php-fpm',
  async start(host, { name, exclusiveWorkers }) {
    const socket = join(host.folder, 'php.sock')
    const configFile = join(host.folder, 'php-fpm.conf')
    writeFileSync(configFile, phpConfiguration(host.folder, socket, exclusiveWorkers))
    host.run([phpFpm(), '--nodaemonize', ...(isRoot ? ['--allow-to-run-as-root'] : []), '--fpm-config', configFile])
    return startNginx(
      host,
      `upstream behind { server unix:${socket}; }`,
      `include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME ${fileURLToPath(new URL('handlers/work.php', import.meta.url))};
      fastcgi_param BENCH_CASE ${name};
      fastcgi_pass behind;
      fastcgi_buffers 16 8k;`,
    )
  },
}

async function startNginx(host: Host, upstream: string, location: string): Promise<string> {
  const file = join(SBIN, 'nginx')
  if (!existsSync(file)) throw new Error('not installed (apt install nginx)')
  const port = await freePort()
  const configFile = join(host.folder, 'nginx.conf')
  writeFileSync(configFile, nginxConfiguration(host.folder, port, upstream, location))
  host.run([file, '-p', host.folder, '-c', configFile, '-e', 'stderr'])
  return `http://127.0.0.1:${port}/`
}

function nginxConfiguration(folder: string, port: number, upstream: string, location: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
${isRoot ? 'user root;' : ''}
worker_processes ${serverCoreCount};
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 10000000;
  client_max_body_size 8m;
  client_body_buffer_size 2m;
  ${temporary.map((what) => `${what}_temp_path ${folder}/${what};`).join('\n  ')}
  ${upstream}
  server {
    listen 127.0.0.1:${port};
    location / {
      ${location}
    }
  }
}
`
}

function phpConfiguration(folder: string, socket: string, children: number): string {
  return `[global]
error_log = ${folder}/php-fpm.log
[www]
${isRoot ? 'user = root' : ''}
listen = ${socket}
pm = static
pm.max_children = ${children}
php_admin_flag[opcache.enable] = on
php_admin_flag[opcache.validate_timestamps] = off
`
}

export function phpFpm(): string {
  const found = existsSync(SBIN) ? readdirSync(SBIN).find((file) => /^php-fpm[\d.]*$/.test(file)) : undefined
  if (found === undefined) throw new Error('php-fpm is not installed (apt install php-fpm)')
  return join(SBIN, found)
}
