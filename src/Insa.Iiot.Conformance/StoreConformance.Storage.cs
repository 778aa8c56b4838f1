using System.Text;
using Xunit;

namespace Insa.Iiot.Conformance;

/// <content>How much room tenants take.</content>
public abstract partial class StoreConformance
{
    private const int StoredFrames = 200;
    private const int StoredTextBytes = 500;

    /// <summary>The meter under test.</summary>
    protected abstract ITelemetryStorageMeter StorageMeter { get; }

    /// <summary>What is stored is measured tenant by tenant, in the form it has by then, and what is erased is measured no more.</summary>
    [Fact]
    public async Task What_is_stored_is_measured_tenant_by_tenant()
    {
        Assert.Empty(await StorageMeter.MeasureAsync());
        await FillWithTextAsync(Plant, StoredFrames);
        await FillWithTextAsync(Other, StoredFrames / 4);
        await AssertSizesAsync();
        await SettleAsync();
        await AssertSizesAsync();

        await Eraser.EraseAsync(Plant);
        Assert.Equal([Other], (await StorageMeter.MeasureAsync()).Select(sum => sum.Tenant));

        async Task AssertSizesAsync()
        {
            var sizes = (await StorageMeter.MeasureAsync()).ToDictionary(sum => sum.Tenant, sum => sum.Bytes);
            Assert.Equal(2, sizes.Count);

            // Half a byte of each digit is chance, which no compression takes away; for what comes with it there is as much again.
            const long Sent = StoredFrames * StoredTextBytes;
            Assert.InRange(sizes[Plant], Sent / 2, Sent * 2);
            Assert.InRange(sizes[Other], Sent / 8, Sent / 2);
        }
    }

    /// <summary>What says the same thing again takes no more room.</summary>
    [Fact]
    public async Task What_comes_again_is_not_measured_twice()
    {
        await FillWithTextAsync(Plant, 50);
        var once = await StorageMeter.MeasureAsync();
        await FillWithTextAsync(Plant, 50);
        Assert.Equal(once, await StorageMeter.MeasureAsync());
    }

    private async Task FillWithTextAsync(TenantId tenant, int frames)
    {
        // Always the same chance, so that it can come again.
        var random = new Random(7);
        using var writer = new BatchWriter();
        var bytes = new byte[StoredTextBytes / 2];
        for (var i = 0; i < frames; i++)
        {
            random.NextBytes(bytes);
            writer.Add(
                tenant,
                Press,
                Noon.AddSeconds(i),
                frame => frame.AddText("t"u8, Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)))
            );
        }

        await WriteAsync(writer);
    }
}
