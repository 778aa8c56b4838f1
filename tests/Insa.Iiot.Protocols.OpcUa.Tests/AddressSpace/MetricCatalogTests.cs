using Insa.Iiot.Protocols.OpcUa.AddressSpace;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class MetricCatalogTests
{
    private static readonly OptionsMetricCatalog _catalog = new([
        new OpcUaMetric
        {
            Name = "temp",
            UnitCode = "CEL",
            Unit = "°C",
            Low = -20,
            High = 180,
        },
        new OpcUaMetric
        {
            Name = "temp",
            Tenant = SpaceWorld.Globex,
            UnitCode = "FAH",
        },
        new OpcUaMetric
        {
            Name = "level",
            Low = 0,
            High = 10,
        },
        new OpcUaMetric { Name = "speed", Unit = "parts" },
    ]);

    [Fact]
    public void A_unit_has_the_number_of_its_common_code()
    {
        var unit = _catalog.Find(SpaceWorld.Acme, "temp")!.Unit!;
        Assert.Equal((4408652, "°C"), (unit.UnitId, unit.DisplayName.Text));
        Assert.Equal(-1, _catalog.Find(SpaceWorld.Acme, "speed")!.Unit!.UnitId);
    }

    [Fact]
    public void A_tenants_own_description_comes_before_that_of_all()
    {
        Assert.Equal("FAH", _catalog.Find(SpaceWorld.Globex, "temp")!.Unit!.DisplayName.Text);
        Assert.Null(_catalog.Find(SpaceWorld.Globex, "temp")!.Range);
        Assert.Equal(180, _catalog.Find(SpaceWorld.Acme, "temp")!.Range!.High);
    }

    [Fact]
    public void A_range_needs_no_unit_and_what_is_not_described_is_not_known()
    {
        Assert.Null(_catalog.Find(SpaceWorld.Acme, "level")!.Unit);
        Assert.NotNull(_catalog.Find(SpaceWorld.Acme, "level")!.Range);
        Assert.Null(_catalog.Find(SpaceWorld.Acme, "other"));
    }
}
