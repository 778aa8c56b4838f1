using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests;

/// <summary>Mutated datagrams against the whole endpoint. Set IIOT_COAP_FUZZ to the number of datagrams for a long run.</summary>
public sealed class FuzzTests
{
    private const int Seeds = 8;
    private static readonly int PerSeed =
        int.Parse(Environment.GetEnvironmentVariable("IIOT_COAP_FUZZ") ?? "10000000", System.Globalization.CultureInfo.InvariantCulture)
        / Seeds;

    public static TheoryData<int> AllSeeds => [.. Enumerable.Range(1, Seeds)];

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public async Task Whatever_comes_the_endpoint_keeps_its_rules_and_its_size(int seed)
    {
        await using var world = await CoapWorld.StartAsync(coap => coap.MaxPendingRequests = 64);
        var random = new Random(seed);
        byte[][] corpus =
        [
            Wire.Request(CoapType.Confirmable, CoapCode.Post, 1, [1], "telemetry?" + CoapWorld.Token, """{"data":{"n":1}}"""u8),
            Wire.Request(CoapType.NonConfirmable, CoapCode.Get, 2, [1, 2, 3, 4, 5, 6, 7, 8], ".well-known/core?rt=a*"),
            Wire.Request(
                CoapType.Confirmable,
                CoapCode.Get,
                3,
                [],
                "devices?" + CoapWorld.Token,
                default,
                (CoapOptionNumber.Block2, [0x16])
            ),
            Wire.Request(
                CoapType.Confirmable,
                CoapCode.Post,
                4,
                [9],
                "telemetry?" + CoapWorld.Token,
                new byte[64],
                (CoapOptionNumber.Block1, [0x0A])
            ),
            Wire.Request(
                CoapType.Confirmable,
                CoapCode.Get,
                5,
                [9],
                "time",
                default,
                (CoapOptionNumber.Observe, []),
                (CoapOptionNumber.Accept, [60])
            ),
            Wire.Empty(CoapType.Confirmable, 6),
            Wire.Empty(CoapType.Acknowledgement, 7),
            Wire.Empty(CoapType.Reset, 8),
        ];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var buffer = new byte[UdpSocket.MaxDatagramBytes];
        long bytesFromFar = 0;
        for (var i = 0; i < PerSeed; i++)
        {
            var length = Mutate(random, corpus[random.Next(corpus.Length)], buffer);
            var datagram = buffer.AsSpan(0, length);
            var isFar = random.Next(4) == 0;
            bytesFromFar += isFar ? length : 0;
            world.Endpoint.Receive(isFar ? Wire.Far : Wire.Near, datagram);

            // Nothing but a CON or a request is ever answered at once.
            if (world.Wire.Next() is { Type: CoapType.Reset } reset)
                Assert.True(
                    CoapHeader.TryRead(datagram, out var header) && header.Type == CoapType.Confirmable,
                    Convert.ToHexString(datagram) + reset.Id
                );
            while (world.Wire.Next() is not null) { }
            if (i % 1000 == 0)
                world.Pass(TimeSpan.FromMilliseconds(200));
        }

        // RFC 9175 §2.3: whatever it was, no more than three times as much came back to an address that may be forged.
        Assert.InRange(world.Wire.BytesToFar, 1, 3 * bytesFromFar);
        world.Stored.Clear();
        Assert.DoesNotContain(world.Logs.Collector.GetSnapshot(), record => record.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
        world.Logs.Collector.Clear();
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 48 * 1024 * 1024);
    }

    private static int Mutate(Random random, byte[] source, byte[] buffer)
    {
        var length = source.Length;
        source.CopyTo(buffer, 0);
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            switch (random.Next(5))
            {
                case 0:
                    buffer[random.Next(length)] = (byte)random.Next(256);
                    break;
                case 1:
                    buffer[random.Next(Math.Min(length, 16))] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    length = random.Next(1, length + 1);
                    break;
                case 3 when length < 1400:
                    var added = random.Next(1, 32);
                    random.NextBytes(buffer.AsSpan(length, added));
                    length += added;
                    break;
                default:
                    buffer[2] = (byte)random.Next(256);
                    buffer[3] = (byte)random.Next(256);
                    break;
            }
        }

        return length;
    }
}
