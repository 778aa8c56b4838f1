using System.IO.Pipelines;
using CsCheck;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;

namespace Insa.Iiot.Protocols.Coap.Tests.Streams;

public sealed class StreamOutputTests
{
    [Fact]
    public void What_waits_leaves_in_its_order_however_slowly_it_is_read() =>
        Gen.Select(Gen.Int[0, 70_000].Array[1, 40], Gen.Int[1, 200_000])
            .Sample((lengths, readAtOnce) => LeavesInOrder(lengths, readAtOnce), iter: 40);

    [Fact]
    public void Connections_never_take_more_than_there_is() =>
        Gen.Int[1, 5000]
            .Select(Gen.Int[0, 19])
            .Array[1, 400]
            .Sample(takes =>
            {
                var budget = new OutputBudget(20_000, 50_000, 20, _ => { });
                var held = new int[20];
                foreach (var (bytes, connection) in takes)
                {
                    if (budget.TryTake(held[connection], bytes))
                        held[connection] += bytes;
                }

                return budget.Total == held.Sum() && budget.Total <= 50_000 && held.All(one => one <= 20_000);
            });

    private static bool LeavesInOrder(int[] lengths, int readAtOnce)
    {
        var pipe = new Pipe(
            new PipeOptions(
                pauseWriterThreshold: 1000,
                resumeWriterThreshold: 500,
                readerScheduler: PipeScheduler.Inline,
                writerScheduler: PipeScheduler.Inline,
                useSynchronizationContext: false
            )
        );
        var budget = new OutputBudget(8 * 1024 * 1024);
        var output = new StreamOutput(pipe.Writer, budget);
        var expected = new List<byte>();
        for (var i = 0; i < lengths.Length; i++)
        {
            var datagram = new byte[CoapHeader.Length + 1 + lengths[i]];
            new CoapHeader(CoapType.NonConfirmable, CoapCode.Content, 0).Write(datagram, 0);
            datagram.AsSpan(CoapHeader.Length).Fill((byte)i);
            output.TryWrite(datagram);
            output.Flush();
            expected.AddRange(RawStream.Frame(datagram));
            if (i % 7 == 3)
                Read(pipe.Reader, readAtOnce, expected);
        }

        while (expected.Count > 0)
            Read(pipe.Reader, readAtOnce, expected);
        return budget.Total == 0 && output.WhenDrainedAsync().IsCompleted;
    }

    private static void Read(PipeReader reader, int most, List<byte> expected)
    {
        Assert.True(reader.TryRead(out var read));
        var taken = read.Buffer.Slice(0, Math.Min(most, read.Buffer.Length));
        foreach (var segment in taken)
        {
            Assert.True(segment.Span.SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(expected)[..segment.Length]));
            expected.RemoveRange(0, segment.Length);
        }

        reader.AdvanceTo(taken.End);
    }
}
