using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What is known of a metric's numbers.</summary>
/// <param name="Unit">The unit (OPC 10000-8 §5.6.4.3), if it is known.</param>
/// <param name="Range">The range to expect in normal operation (OPC 10000-8 §5.6.2), if it is known.</param>
internal sealed record MetricDescription(EUInformation? Unit, UaRange? Range);
