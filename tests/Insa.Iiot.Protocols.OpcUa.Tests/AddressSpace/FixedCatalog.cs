using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Knows the unit and range of <c>temp</c> and the range of <c>level</c>.</summary>
internal sealed class FixedCatalog : IMetricCatalog
{
    public MetricDescription? Find(TenantId tenant, string metric) =>
        metric switch
        {
            "temp" => new MetricDescription(
                new EUInformation
                {
                    NamespaceUri = "http://www.opcfoundation.org/UA/units/un/cefact",
                    UnitId = 4408652,
                    DisplayName = new LocalizedText(null, "°C"),
                    Description = new LocalizedText(null, "degree Celsius"),
                },
                new UaRange { Low = -20, High = 180 }
            ),
            "level" => new MetricDescription(null, new UaRange { Low = 0, High = 10 }),
            _ => null,
        };
}
