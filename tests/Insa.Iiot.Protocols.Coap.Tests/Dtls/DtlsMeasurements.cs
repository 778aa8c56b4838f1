using System.Diagnostics;
using Insa.Iiot.Protocols.Coap.Dtls;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>Numbers on demand: <c>DTLS_MEASURE=1</c>.</summary>
public sealed class DtlsMeasurements
{
    [Theory]
    [InlineData(CipherSuite.TLS_PSK_WITH_AES_128_CCM_8)]
    [InlineData(CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256)]
    [InlineData(CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256)]
    public async Task Handshakes_and_records(int suite)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DTLS_MEASURE") == "1", "Only on demand.");
        using var host = new DtlsHost();
        var settings = new DtlsClientSettings
        {
            Psk = DtlsCredentials.Psk,
            CipherSuites = [suite],
            UseConnectionId = false,
        };
        (await host.Connect(settings)).Dispose();
        var length = TimeSpan.FromSeconds(4);
        using var established = await host.Connect(settings);
        var latencies = new List<double>();
        var started = Stopwatch.GetTimestamp();
        var echoing = Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(started) < length)
            {
                var sent = Stopwatch.GetTimestamp();
                await established.Echo("000 meanwhile");
                latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
        });
        var counts = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        var count = 0;
                        for (; Stopwatch.GetElapsedTime(started) < length; count++)
                            (await host.Connect(settings)).Dispose();
                        return count;
                    })
                )
        );
        Write($"{suite:X4}: {counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds:F0} handshakes/s, client and server");

        await echoing;
        latencies.Sort();
        Write(
            $"{suite:X4}: meanwhile {latencies.Count} round trips of another session, "
                + $"p50 {latencies[latencies.Count / 2]:F2} ms, p99 {latencies[latencies.Count * 99 / 100]:F2} ms"
        );

        // Records that were sealed before: what the server alone takes to open one and to seal the answer.
        using var client = await host.Connect(settings);
        await client.Echo("000 first");
        const int Count = 20_000;
        var payload = new byte[80];
        var withheld = host.Withheld = new();
        for (var i = 0; i < Count; i++)
        {
            while (i - withheld.Count > 500)
                await Task.Yield();
            client.Transport.Send(payload);
        }

        while (withheld.Count < Count)
            await Task.Yield();
        host.IsMute = true;
        host.Withheld = null;
        var datagrams = withheld.Take(Count).ToArray();
        var (bytes, seconds) = await host.On(server =>
        {
            foreach (var (peer, datagram) in datagrams.AsSpan(0, Count / 2))
                server.Receive(peer, datagram);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            foreach (var (peer, datagram) in datagrams.AsSpan(Count / 2))
                server.Receive(peer, datagram);
            return (GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start).TotalSeconds);
        });
        Write($"{suite:X4}: {Count / 2 / seconds:F0} records/s opened and answered, {bytes / (Count / 2)} bytes allocated for each");

        // And forged ones, each from the address of a session.
        var peerAddress = datagrams[0].Peer;
        byte[] forged = [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0xFF, 0, 0, 0, 40, .. new byte[40]];
        seconds = await host.On(server =>
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Count; i++)
                server.Receive(peerAddress, forged);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        Write($"{suite:X4}: {Count / seconds:F0} forged records/s from one session's address, ignored");
        var hello = RawClient.Hello();
        seconds = await host.On(server =>
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 400; i++)
                server.Receive(Transport.PeerAddress.From(new System.Net.IPEndPoint(i + 1, 5684)), hello);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        Write($"{suite:X4}: {400 / seconds:F0} hellos/s answered with a cookie");
    }

    private static void Write(string line) => Console.Error.WriteLine(line);
}
