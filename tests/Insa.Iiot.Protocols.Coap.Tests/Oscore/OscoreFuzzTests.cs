using CsCheck;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>Whatever comes, and whatever is protected.</summary>
public sealed class OscoreFuzzTests
{
    private const int Datagrams = 200_000;

    private static readonly Gen<byte[]> Message = Gen.Select(
        Gen.Int[1, 7],
        Gen.Byte.Array[0, 8],
        Gen.Byte.Array[0, 60],
        Gen.Select(Gen.Int[1, 300], Gen.Byte.Array[0, 20]).Array[0, 8],
        (code, token, payload, options) =>
        {
            var buffer = new byte[1024];
            var writer = new CoapMessageWriter(buffer);
            writer.WriteHeader(new CoapHeader(CoapType.Confirmable, new CoapCode((byte)code), 77), token);
            foreach (
                var (number, value) in options.Where(option => option.Item1 != CoapOptionNumber.Oscore).OrderBy(option => option.Item1)
            )
                writer.WriteOption(number, value);
            writer.WritePayload(payload);
            return writer.Written.ToArray();
        }
    );

    [Fact]
    public void Every_request_opens_as_it_was_and_not_once_it_is_changed() =>
        Gen.Select(Message, Gen.Long[0, OscoreNumbers.Last], Gen.Int[0, 10_000])
            .Sample(
                (plain, number, place) =>
                {
                    using var client = new OscoreContext(new byte[32], [], [1], [2], "press@plant"u8.ToArray());
                    using var server = new OscoreContext(new byte[32], [], [2], [1], "press@plant"u8.ToArray());
                    var iv = new byte[8];
                    iv = iv[..OscoreContext.WritePartialIv(number, iv)];
                    var datagram = new byte[1472];
                    Assert.True(OscoreMessages.TryProtect(client, plain, [1], iv, iv, true, datagram, out var length));
                    var opened = new byte[1472];
                    Assert.True(OscoreMessages.TryOpen(server, datagram.AsSpan(0, length), [1], iv, iv, opened, out var openedLength));
                    Assert.Equal(plain, opened[..openedLength]);
                    Assert.True(CoapHeader.TryRead(datagram, out var header));
                    Assert.True(CoapMessage.TryRead(datagram.AsSpan(0, length), header.Code, out var message));
                    datagram[length - 1 - (place % message.Payload.Length)] ^= 1;
                    Assert.False(OscoreMessages.TryOpen(server, datagram.AsSpan(0, length), [1], iv, iv, opened, out _));
                },
                iter: 2000
            );

    [Fact]
    public void Any_bytes_are_read_as_an_option_or_are_not() =>
        Gen
            .Byte.Array[0, 260]
            .Sample(bytes =>
            {
                if (!OscoreOption.TryRead(bytes, out var option))
                    return;
                var written = new byte[option.Length];
                option.Write(written);
                Assert.Equal(bytes, written);
            });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_comes_to_the_listener_nothing_is_stored_twice_and_no_more_than_thrice_comes_back(int seed)
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var random = new Random(seed);
        byte[][] corpus =
        [
            device.Protect(1, CoapCode.Post, "telemetry", """{"data":{"n":1}}"""u8),
            device.Protect(2, CoapCode.Get, ".well-known/core"),
            device.Protect(3, CoapCode.Get, "time", options: (CoapOptionNumber.Observe, [])),
            Wire.Request(CoapType.Confirmable, CoapCode.Get, 4, [1], "time"),
            Wire.Empty(CoapType.Confirmable, 6),
            Wire.Empty(CoapType.Reset, 8),
        ];
        long bytesFromFar = 0;
        var buffer = new byte[UdpSocket.MaxDatagramBytes];
        for (var i = 0; i < Datagrams; i++)
        {
            var source = corpus[random.Next(corpus.Length)];
            source.CopyTo(buffer, 0);
            var length = source.Length;
            for (var changes = random.Next(0, 4); changes > 0; changes--)
            {
                switch (random.Next(4))
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
                    default:
                        buffer[2] = (byte)random.Next(256);
                        break;
                }
            }

            var isFar = random.Next(4) == 0;
            bytesFromFar += isFar ? length : 0;
            world.Listener.Receive(isFar ? Wire.Far : Wire.Near, buffer.AsSpan(0, length));
            while (world.Wire.Next() is not null) { }
            if (i % 1000 == 0)
                world.Pass(TimeSpan.FromMilliseconds(200));
        }

        Assert.InRange(world.Wire.BytesToFar, 1, 3 * bytesFromFar);
        Assert.InRange(world.Coap.Stored.Count, 1, 2); // its first, and the one that is in the corpus
        Assert.DoesNotContain(
            world.Coap.Logs.Collector.GetSnapshot(),
            record => record.Level >= Microsoft.Extensions.Logging.LogLevel.Error
        );
        Assert.Equal(1, world.Listener.SessionCount);
    }
}
