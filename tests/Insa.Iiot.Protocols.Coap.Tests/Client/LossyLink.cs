using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>A UDP link to a server that loses, repeats and swaps datagrams of both ways, by a seed.</summary>
internal sealed class LossyLink : IAsyncDisposable
{
    private const int Percent = 15;

    private readonly Socket _client = Bind();
    private readonly Socket _server = Bind();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile IPEndPoint? _clientAddress;
    private int _lost;

    public LossyLink(int serverPort, int seed)
    {
        _server.Connect(IPAddress.Loopback, serverPort);
        _running = Task.WhenAll(
            PumpAsync(_client, new Random(seed), datagram => _server.Send(datagram)),
            PumpAsync(_server, new Random(seed + 1), datagram => _client.SendTo(datagram, _clientAddress!))
        );
    }

    public Uri Uri => new($"coap://127.0.0.1:{((IPEndPoint)_client.LocalEndPoint!).Port}");

    public int Lost => Volatile.Read(ref _lost);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _client.Dispose();
        _server.Dispose();
        _stopping.Dispose();
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task PumpAsync(Socket from, Random random, Action<byte[]> send)
    {
        var buffer = new byte[2048];
        byte[]? held = null;
        while (true)
        {
            byte[] datagram;
            try
            {
                var received = await from.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
                if (from == _client)
                    _clientAddress = (IPEndPoint)received.RemoteEndPoint;
                datagram = buffer[..received.ReceivedBytes];
            }
            catch (OperationCanceledException)
            {
                return;
            }

            switch (random.Next(100) / Percent)
            {
                case 0:
                    Interlocked.Increment(ref _lost);
                    continue;
                case 1 when held is null:
                    held = datagram;
                    continue;
                case 2:
                    send(datagram);
                    break;
            }

            send(datagram);
            if (held is not null)
                send(held);
            held = null;
        }
    }
}
