using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A device that posts by CoAP, confirmable, one message at a time (NSTART 1), each again and again until it is answered, as often with the same message id.</summary>
internal sealed class CoapLoadDevice(string id, string user, string password, DateTimeOffset start) : ILoadDevice
{
    private const byte Changed = 0x44; // 2.04
    private const byte TooManyRequests = 0x9D; // 4.29
    private const byte ServiceUnavailable = 0xA3; // 5.03
    private static readonly TimeSpan AckTimeout = TimeSpan.FromMilliseconds(20);

    private ushort _messageId = (ushort)Random.Shared.Next(65_536);

    public string Id => id;

    public int Acknowledged { get; private set; }

    public int Sent { get; private set; }

    public DateTimeOffset TimeOf(int reading) => start.AddMilliseconds(reading);

    public async Task RunAsync(IPEndPoint endpoint, Action<int> acknowledged, CancellationToken stop = default)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            await socket.ConnectAsync(endpoint, stop);
            while (!stop.IsCancellationRequested)
            {
                Sent = Math.Max(Sent, Acknowledged + 1);
                _messageId++;
                if (!await PostAsync(socket, Request(Acknowledged), stop))
                    continue;
                Acknowledged++;
                acknowledged(1);
            }
        }
        catch (SocketException)
        {
            // Nobody listens there any more.
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // This was all.
        }
    }

    /// <returns><see langword="false"/> if the host has no room at the moment.</returns>
    private async Task<bool> PostAsync(Socket socket, byte[] request, CancellationToken stop)
    {
        var received = new byte[2048];
        while (true)
        {
            await socket.SendAsync(request, stop);
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
            timeout.CancelAfter(AckTimeout);
            try
            {
                while (true)
                {
                    var length = await socket.ReceiveAsync(received, timeout.Token);
                    if (IsAnswer(received.AsSpan(0, length), out var code))
                        return code == Changed;
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // Its answer is late, or lost: the same once more.
            }
        }
    }

    private bool IsAnswer(ReadOnlySpan<byte> datagram, out byte code)
    {
        code = datagram[1];
        if (code == 0 || datagram[0] != 0x62 || datagram[4] != (byte)(_messageId >> 8) || datagram[5] != (byte)_messageId)
            return false;
        if (code is not (Changed or TooManyRequests or ServiceUnavailable))
            throw new InvalidDataException($"Reading {Acknowledged} of {id} was answered by {Convert.ToHexString(datagram)}.");
        return true;
    }

    // CON POST /telemetry?token=..., with the message id as the token too.
    private byte[] Request(int reading)
    {
        var query = Encoding.ASCII.GetBytes($"token={user}:{password}");
        return
        [
            0x42,
            2,
            (byte)(_messageId >> 8),
            (byte)_messageId,
            (byte)(_messageId >> 8),
            (byte)_messageId,
            0xB9, // Uri-Path
            .. "telemetry"u8,
            0x4D, // Uri-Query, longer than 12
            (byte)(query.Length - 13),
            .. query,
            0xFF,
            .. Encoding.ASCII.GetBytes($$$"""{"data":{"n":{{{reading}}}},"timestamp":{{{TimeOf(reading).ToUnixTimeMilliseconds()}}}}"""),
        ];
    }
}
