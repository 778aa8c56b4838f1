// A server. /hello says hello to GET, /large a thousand lines; /echo gives back what is posted; /state is set by PUT, read by GET, and observed.
// It says on standard output "listening <port>", and "left" when an observer has ended.
import coap from "coap";

let state = Buffer.alloc(0);
const observers = new Set();

const server = coap.createServer((request, response) => {
  switch (`${request.method} ${request.url}`) {
    case "GET /hello":
      response.setOption("Content-Format", "text/plain");
      response.setOption("ETag", Buffer.of(1, 2, 3));
      return response.end("hello");
    case "GET /large":
      return response.end(Array.from({ length: 1000 }, (_, i) => `line ${i}`).join("\n"));
    case "POST /echo":
      response.code = "2.04";
      return response.end(request.payload);
    case "PUT /state":
      state = request.payload;
      for (const observer of observers) observer.write(state);
      response.code = "2.04";
      return response.end();
    case "GET /state":
      if (request.headers.Observe !== 0) return response.end(state);
      observers.add(response);
      response.on("finish", () => {
        if (observers.delete(response)) console.log("left");
      });
      return response.write(state);
    default:
      response.code = "4.04";
      return response.end();
  }
});

server.listen(0, "127.0.0.1", () => console.log(`listening ${server._sock.address().port}`));
process.stdin.resume().on("end", () => process.exit(0)); // never outlives its test
