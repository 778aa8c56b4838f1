"""Publishes numbered readings, persistent and confirmed. Arguments: url, exchange, device, count."""

import json
import sys

import pika

url, exchange, device, count = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
for n in range(int(count)):
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    channel.basic_publish(exchange, f"telemetry.{device}", json.dumps({"data": {"n": n}}), properties, mandatory=True)
connection.close()
print(f"confirmed {count}")
