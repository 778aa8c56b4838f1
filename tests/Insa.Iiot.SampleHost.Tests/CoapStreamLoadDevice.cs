using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>
/// A device that posts numbered readings by CoAP over TCP (RFC 8323), its window always full, and after a broken connection begins again with
/// the first that was not answered. Answers may come in any order; what there is no room for at the moment is sent again.
/// </summary>
internal sealed class CoapStreamLoadDevice(string id, string user, string password, DateTimeOffset start) : ILoadDevice
{
    private const int Window = 64;
    private const byte Changed = 0x44; // 2.04
    private const byte TooManyRequests = 0x9D; // 4.29
    private const byte ServiceUnavailable = 0xA3; // 5.03
    private static readonly byte[] Csm = [0x00, 0xE1];

    private readonly HashSet<int> _answered = []; // those after the first that is not
    private readonly Queue<int> _refused = new();

    public string Id => id;

    public int Acknowledged { get; private set; }

    public int Sent { get; private set; }

    public DateTimeOffset TimeOf(int reading) => start.AddMilliseconds(reading);

    public async Task RunAsync(IPEndPoint endpoint, Action<int> acknowledged, CancellationToken stop = default)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var received = new byte[16 * 1024];
        _answered.Clear();
        _refused.Clear();
        try
        {
            await socket.ConnectAsync(endpoint, stop);
            await SendAsync(socket, Csm, stop);
            var length = 0;
            var next = Acknowledged;
            while (true)
            {
                next = await FillAsync(socket, next, stop);
                var count = await socket.ReceiveAsync(received.AsMemory(length), stop);
                if (count == 0)
                    return;
                length += count;
                var before = Acknowledged;
                var read = TakeAnswers(received.AsSpan(0, length));
                received.AsSpan(read, length - read).CopyTo(received);
                length -= read;

                // On their way before the count is told, as the host may be killed at it.
                next = await FillAsync(socket, next, stop);
                acknowledged(Acknowledged - before);
            }
        }
        catch (SocketException)
        {
            // The host is gone.
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // This was all.
        }
    }

    private async Task<int> FillAsync(Socket socket, int next, CancellationToken stop)
    {
        var bytes = new List<byte>();
        while (_refused.TryDequeue(out var again))
            bytes.AddRange(Request(again));
        for (; next < Acknowledged + Window; next++)
            bytes.AddRange(Request(next));
        Sent = Math.Max(Sent, next);
        await SendAsync(socket, bytes.ToArray(), stop);
        return next;
    }

    /// <returns>How many bytes were read.</returns>
    private int TakeAnswers(ReadOnlySpan<byte> bytes)
    {
        var read = 0;
        while (true)
        {
            // Answers and signals are short here: their length is in the nibble, or in one byte more (RFC 8323 §3.2).
            var rest = bytes[read..];
            if (rest.Length < 2)
                return read;
            var extended = rest[0] >> 4 == 13 ? 1 : 0;
            var header = 2 + extended;
            var length = header + (rest[0] & 0x0F) + (extended == 0 ? rest[0] >> 4 : rest[1] + 13);
            if (rest.Length < length)
                return read;
            var code = rest[header - 1];
            if (code >> 5 != 7)
                Take(code, rest[header..length]);
            read += length;
        }
    }

    private void Take(byte code, ReadOnlySpan<byte> rest)
    {
        var reading = BitConverter.ToInt32(rest);
        if (reading < Acknowledged || reading >= Sent || _answered.Contains(reading))
            throw new InvalidDataException($"Reading {reading} of {id} was answered twice, or never sent.");
        switch (code)
        {
            case Changed:
                _answered.Add(reading);
                while (_answered.Remove(Acknowledged))
                    Acknowledged++;
                break;
            case TooManyRequests or ServiceUnavailable:
                _refused.Enqueue(reading);
                break;
            default:
                throw new InvalidDataException($"Reading {reading} of {id} was answered by {code:X2} {Convert.ToHexString(rest)}.");
        }
    }

    // POST /telemetry?token=..., with the reading's number as the token.
    private byte[] Request(int reading)
    {
        var query = Encoding.ASCII.GetBytes($"token={user}:{password}");
        byte[] content =
        [
            0xB9, // Uri-Path
            .. "telemetry"u8,
            0x4D, // Uri-Query, longer than 12
            (byte)(query.Length - 13),
            .. query,
            0xFF,
            .. Encoding.ASCII.GetBytes($$$"""{"data":{"n":{{{reading}}}},"timestamp":{{{TimeOf(reading).ToUnixTimeMilliseconds()}}}}"""),
        ];
        return [0xD4, (byte)(content.Length - 13), 2, .. BitConverter.GetBytes(reading), .. content];
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, stop)..];
    }
}
