import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import io.strimzi.api.kafka.model.topic.KafkaTopic;
import java.io.File;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Reads Strimzi resources with the operator's own classes and lists every field that they do not know. Those classes
 * keep unknown fields aside instead of refusing them, so the objects are searched for such leftovers. A value of the
 * wrong type fails at once; an unknown constant becomes null there, so those are left to test/deployment.
 */
public final class StrimziCheck {
    private static final Map<String, Class<?>> KINDS =
        Map.of("Kafka", Kafka.class, "KafkaNodePool", KafkaNodePool.class, "KafkaTopic", KafkaTopic.class);

    public static void main(String[] files) throws Exception {
        List<String> mistakes = new ArrayList<>();
        int read = 0;
        ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
        for (String file : files) {
            for (JsonNode document : mapper.readerFor(JsonNode.class).<JsonNode>readValues(new File(file)).readAll()) {
                String kind = document.path("kind").asText();
                String name = kind + " " + document.path("metadata").path("name").asText();
                Class<?> type = KINDS.get(kind);
                if (type == null) {
                    mistakes.add(name + ": not a kind that is checked here");
                    continue;
                }
                try {
                    search(mapper.treeToValue(document, type), name, mistakes);
                    read++;
                } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
                    mistakes.add(name + ": " + error.getOriginalMessage());
                }
            }
        }
        mistakes.stream().distinct().forEach(System.err::println);
        System.out.println(read + " resources read");
        System.exit(mistakes.isEmpty() ? 0 : 1);
    }

    private static void search(Object value, String path, List<String> mistakes) throws Exception {
        if (value instanceof Collection<?> items) {
            int index = 0;
            for (Object item : items) search(item, path + "[" + index++ + "]", mistakes);
            return;
        }
        if (value == null || value.getClass().isEnum() || !value.getClass().getName().startsWith("io.strimzi.")) return;
        for (Method method : value.getClass().getMethods()) {
            String getter = method.getName();
            if (!getter.startsWith("get") || method.getParameterCount() > 0 || getter.equals("getClass")) continue;
            Object part = method.invoke(value);
            if (!getter.equals("getAdditionalProperties")) {
                search(part, path + "." + getter.substring(3, 4).toLowerCase() + getter.substring(4), mistakes);
            } else if (part instanceof Map<?, ?> unknown) {
                unknown.keySet().forEach(key -> mistakes.add(path + ": unknown field " + key));
            }
        }
    }
}
