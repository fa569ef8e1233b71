from http.server import BaseHTTPRequestHandler


class handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('set-cookie', 'a=1')
        self.send_header('set-cookie', 'b=2')
        self.end_headers()
        self.wfile.write(f'{self.client_address[0]} {self.headers["x-a"]}'.encode())
