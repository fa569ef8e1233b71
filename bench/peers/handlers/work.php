<?php
// The functions in PHP: the same work as work.js. Which of them is asked for comes from nginx.
function body(): string
{
    return file_get_contents('php://input');
}

function with_total(array $order): array
{
    $total = 0;
    foreach ($order['items'] as $item) {
        $total += $item['quantity'] * $item['priceCents'];
    }
    return [...$order, 'totalCents' => $total];
}

switch ($_SERVER['BENCH_CASE']) {
    case 'hello':
        header('content-type: text/plain');
        echo "Hello!\n";
        break;
    case 'json':
        header('content-type: application/json');
        echo json_encode(with_total(json_decode(body(), true)));
        break;
    case 'download':
        header('content-type: application/octet-stream');
        echo str_repeat('x', 64 * 1024);
        break;
    case 'upload':
        header('content-type: text/plain');
        echo strlen(body());
        break;
    case 'sha512':
        header('content-type: text/plain');
        echo hash('sha512', body());
        break;
    case 'wait':
        usleep(20 * 1000);
        header('content-type: text/plain');
        echo "Hello!\n";
        break;
}
